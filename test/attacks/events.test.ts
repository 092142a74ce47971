// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect } from "vitest";
import { contentDigest, type FakeNode, IMAGE } from "../fakes/fake-node.ts";
import { array, bytes, NO, number, type RawCbor, text, YES } from "../fakes/raw-cbor.ts";
import { BUSYBOX, codesOf, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const ZEROS = bytes(new Uint8Array(32));
const TAG = new Uint8Array(32).fill(7);

/** The bytes of an `ns-open`, with fields that a forgery changes. */
function opening(change: {
  readonly ns?: RawCbor;
  readonly declared?: RawCbor;
  readonly labels?: RawCbor;
}): RawCbor {
  const label = array(text("image"), text(IMAGE));
  const { ns = text("web/1"), declared = YES, labels = array(label) } = change;
  const ids = [number(1), number(2), number(3)];
  const runtime = text("runc");
  return array(text("ns-open"), ns, bytes(TAG), ...ids, runtime, declared, array(), labels);
}

/** The bytes of an execution in `web/1`. */
function execution(change: { readonly how?: RawCbor; readonly path?: RawCbor }): RawCbor {
  const { how = text("exec"), path = bytes(Buffer.from(BUSYBOX.path)) } = change;
  const digest = array(text("sha256"), bytes(contentDigest(BUSYBOX.content).value));
  return array(text("exec"), text("web/1"), how, path, digest, number(0), number(0));
}

/** Anchors events that no monitor of ours would write. What is anchored stays, so the node is none until a reboot. */
async function expectEventsRefused(
  write: (node: FakeNode) => void,
  code = "FIELD_INVALID",
): Promise<void> {
  const node = bench.newNode();
  write(node);
  node.mark();
  expect(await bench.attest(node)).toMatchObject({ status: 422, code });
  expect(codesOf((await bench.report(node)).node.host)).toEqual([code]);
}

function withOpening(change: Parameters<typeof opening>[0]): Promise<void> {
  return expectEventsRefused((node) => {
    node.tags.set("web/1", TAG);
    node.writeBytes("web/1", opening(change));
  });
}

function withEvent(event: RawCbor): Promise<void> {
  return expectEventsRefused((node) => {
    node.tags.set("web/1", TAG);
    node.writeBytes("web/1", opening({}));
    node.writeBytes("web/1", event);
  });
}

describe("an event means one thing", () => {
  attack(
    "field-word",
    "refuses a kind of event, execution or gap that it does not know",
    "what nobody understands is passed over, and the execution with it",
    async () => {
      await withEvent(execution({ how: text("peek") }));
      await withEvent(array(text("gap"), text("web/1"), number(1), text("boredom")));
    },
  );

  attack(
    "field-word",
    "refuses an event that is of another namespace than its kind allows",
    "a container writes marks, and settles what it likes",
    () => withEvent(array(text("mark"), text("web/1"), number(1))),
  );

  attack(
    "event-violation",
    "refuses a claim of zeros that is none of a violation",
    "one claim takes every violation in the list, for all have the digest of zeros",
    async () => {
      await withEvent(array(text("measured"), text("web/1"), ZEROS, NO, number(0)));
      const ones = bytes(new Uint8Array(32).fill(1));
      await withEvent(array(text("measured"), text("web/1"), ones, YES, number(0)));
    },
  );

  attack(
    "event-labels",
    "refuses two images for one namespace",
    "the first label chooses the policy, the second one is what people are shown",
    () => {
      const other = array(text("image"), text("registry.example/other:latest"));
      return withOpening({ labels: array(array(text("image"), text(IMAGE)), other) });
    },
  );

  attack("event-label", "refuses a label with two values", "the same, in one label", () =>
    withOpening({ labels: array(array(text("image"), text(IMAGE), text("other"))) }),
  );

  attack(
    "field-flag",
    "refuses a flag that is a number",
    "1 is true for one reader and none of true and false for the next",
    () => withOpening({ declared: number(1) }),
  );

  attack(
    "field-text",
    "refuses a label that is a number",
    "a value that is no text compares with no policy and is shown as one",
    () => withOpening({ labels: array(array(text("name"), number(1))) }),
  );

  attack(
    "field-path-nul",
    "refuses a path with a NUL",
    "the allowlist is asked about a longer name than the kernel has executed",
    () => withEvent(execution({ path: bytes(Buffer.from("/bin/busybox\0/tmp/x")) })),
  );

  attack(
    "field-text-form",
    "refuses a namespace whose name is none",
    "a name climbs out of the folder of whoever makes a file of it, or is the host's with a blank behind",
    async () => {
      for (const name of ["../../etc/1", "host ", "web", "web/01", "/1"]) {
        await withOpening({ ns: text(name) });
      }
    },
  );

  attack(
    "field-text-printable",
    "refuses a label that moves the cursor or breaks the line",
    "the name of a container clears the terminal of who looks at it, or writes a line into his log",
    async () => {
      for (const name of ["\u001b[2J", "a\nb", "\u2028", "\u0000"]) {
        await withOpening({ labels: array(array(text("name"), text(name))) });
      }
    },
  );

  attack(
    "field-text-length",
    "refuses a label without end",
    "a container's name fills the screen, the log and the database",
    () => withOpening({ labels: array(array(text("name"), text("x".repeat(2000)))) }),
  );

  attack(
    "field-list-length",
    "refuses more labels than anybody needs",
    "each container that starts costs the verifier as much memory as it likes, for ever",
    () => {
      const labels = Array.from({ length: 65 }, (_, n) => {
        const key = `k${String(n).padStart(3, "0")}`;
        return array(text(key), text("x"));
      });
      return withOpening({ labels: array(...labels) });
    },
  );
});
