// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, expect, it } from "vitest";
import { type Swtpm, startSwtpm } from "../../../test/lab/src/swtpm.ts";
import { connectSwtpm } from "../tpm-device/swtpm.ts";
import { Tpm } from "../tpm-device/tpm.ts";
import { askTpm } from "./tpm-checks.ts";

let swtpm: Swtpm;

beforeAll(async () => {
  swtpm = await startSwtpm();
}, 60_000);
afterAll(() => swtpm.close());

const open = async (): Promise<Tpm> => new Tpm(await connectSwtpm({ path: swtpm.socketPath }));

/** A clock that says how long the quote takes. */
function clock(milliseconds: number): () => number {
  const times = [1000, 1000 + milliseconds];
  return () => times.shift() ?? Number.NaN;
}

it.each([
  [2000, "ok", "a quote takes 2000 ms"],
  [2001, "limited", "a quote takes 2001 ms: choose a longer interval"],
])(
  "a TPM that takes %i ms for a quote is %s, and nothing stays in it",
  async (took, state, says) => {
    expect(await askTpm(open, clock(took))).toEqual([
      {
        ...{ check: "tpm-ek-certificate", state: "ok" },
        says: "its vendor certified the endorsement key",
      },
      { check: "tpm-quote", state, says },
    ]);
  },
);

it("a TPM without the certificate can be attested, by a registrar that knows its key", async () => {
  const without = async (): Promise<Tpm> => {
    const tpm = await open();
    tpm.readEkCertificate = async () => null;
    return tpm;
  };
  const [certificate, quote] = await askTpm(without, clock(5));
  expect([certificate?.state, quote?.state]).toEqual(["limited", "ok"]);
});

it("a TPM that cannot be opened, or fails, is not known to be good", async () => {
  const failing = async (): Promise<Tpm> => {
    const tpm = await open();
    tpm.readEkCertificate = () => Promise.reject(new Error("the TPM is in failure mode"));
    return tpm;
  };
  for (const bad of [failing, () => Promise.reject(new Error("EBUSY"))]) {
    const findings = await askTpm(bad, clock(5));
    expect(findings.map(({ state }) => state)).toEqual(["unknown", "unknown"]);
  }
});
