// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Container, compileProgram, executable, type Testbed } from "@nsattest/lab";
import type { NodeReport } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NodeView, namespaceOf } from "./node-view.ts";
import { CACHE, startTestbed } from "./project.ts";

const lab = (path: string): string =>
  fileURLToPath(new URL(`../lab/guest/${path}`, import.meta.url));
const GUEST = fileURLToPath(new URL("capture/guest.c", import.meta.url));

/** Owner of the signed files: the node's IMA policy has a rule of its own for what belongs to it. */
const SIGNER_UID = 1_900_000_002;
const RULE = `measure func=BPRM_CHECK fowner=${SIGNER_UID} pcr=11\n`;
const GENERAL_RULE = "measure func=BPRM_CHECK\n";
/** Two files of the image with one signature, which is of the first. No allowlist knows them. */
const SIGNED = "/bin/signed";
const FLIPPED = "/bin/flipped";

let work: string;
let bed: Testbed;
let report: NodeReport;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "nsattest-vm-"));
  const { signature, signers } = await makeFiles();
  const policy = await readFile(lab("ima-policy"), "utf8");
  bed = await startTestbed({
    kernel: "6.12",
    imaPolicy: policy.replace(GENERAL_RULE, RULE + GENERAL_RULE),
    imageFiles: new Map([SIGNED, FLIPPED].map((path) => [path, join(work, path.slice(5))])),
    files: [executable("/sbin/guest", await compileProgram(GUEST, CACHE))],
    policies: (usual) => ({
      ...usual,
      node: { measurement: { pcrs: [10, 11] } },
      images: new Map([...usual.images].map(([image, policy]) => [image, withoutSigned(policy)])),
      namespaces: { keyring: ["signers.pem"] },
      files: { "signers.pem": signers },
    }),
  });
  for (const path of [SIGNED, FLIPPED]) {
    const at = bed.image.root + path;
    await bed.vm.check(`chown ${SIGNER_UID} ${at} && /sbin/guest xattr ${at} security.ima`, {
      input: signature,
    });
  }
  const view = await NodeView.of(bed);
  for (const [id, path] of [
    ["good", SIGNED],
    ["bad", FLIPPED],
  ] as const) {
    const container = await Container.prepare(bed.vm, { id, image: bed.image, args: [path] });
    const { code, stdout } = await container.run();
    expect([code, stdout.toString()]).toEqual([0, "I am signed\n"]);
  }
  report = await view.settled();
});

afterAll(async () => {
  await bed?.stop();
  await rm(work, { recursive: true });
});

test("both PCRs are quoted, and the list leads to them", () => {
  expect(report.node.host).toMatchObject({ tier: "affirming", reasons: [] });
  expect(report.node.quote).toEqual({ verified: true, bank: "sha256", pcrs: [10, 11, 13] });
  expect(report.hostList.pending).toBe(0);
});

test("PCR 11 is that of the two files' records, and of no other", async () => {
  const { list, pcrs } = await bed.vm.collect();
  expect(pcrs.get(11)).not.toBe("00".repeat(32));
  for (const path of [SIGNED, FLIPPED]) {
    const name = list.indexOf(`${path}\0`, "latin1");
    const record = list.lastIndexOf("ima-sig", name, "latin1") - 28;
    expect([path, list.readUInt32LE(record)]).toEqual([path, 11]);
  }
});

describe("a file that no allowlist knows", () => {
  test("is good with a signature by a key of the keyring", () => {
    const { verdict, entries } = namespaceOf(report, "good");
    expect(verdict).toMatchObject({ tier: "affirming", reasons: [] });
    expect(entries.map(({ path }) => path)).toEqual([SIGNED]);
  });

  test("is not when a byte of it is another than was signed", () => {
    const { verdict } = namespaceOf(report, "bad");
    expect(verdict.tier).toBe("contraindicated");
    expect(verdict.reasons).toMatchObject([{ path: FLIPPED }]);
  });
});

/** The program, the same with its last byte flipped (which nobody looks at), and evmctl's signature of the first. */
async function makeFiles(): Promise<{ signature: Buffer; signers: string }> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = join(work, "key.pem");
  await writeFile(key, privateKey.export({ type: "pkcs8", format: "pem" }));
  const program = await readFile(
    await compileProgram(lab("probe.c"), CACHE, ['PROBE_NAME="signed"']),
  );
  const signed = join(work, "signed");
  await writeFile(signed, program);
  execFileSync("evmctl", ["ima_sign", "--sigfile", "-a", "sha256", "--key", key, signed], {
    stdio: "ignore",
  });
  const last = program.length - 1;
  program.writeUInt8(program.readUInt8(last) ^ 1, last);
  await writeFile(join(work, "flipped"), program);
  const signers = publicKey.export({ type: "spki", format: "pem" }).toString();
  return { signature: await readFile(`${signed}.sig`), signers };
}

function withoutSigned<Policy extends { readonly digests: Readonly<Record<string, unknown>> }>(
  policy: Policy,
): Policy {
  const rest = Object.entries(policy.digests).filter(([path]) => ![SIGNED, FLIPPED].includes(path));
  return { ...policy, digests: Object.fromEntries(rest) };
}
