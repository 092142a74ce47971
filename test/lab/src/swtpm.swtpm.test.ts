// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startSwtpm } from "./swtpm.ts";

const SETUP_TIMEOUT_MS = 60_000;
const GET_CAPABILITY = Buffer.from([0, 0, 0, 1]);

it("names the authority of the EK certificate and removes what it made", {
  timeout: SETUP_TIMEOUT_MS,
}, async () => {
  const swtpm = await startSwtpm();
  const [root, issuer] = swtpm.rootCertificates.map((pem) => new X509Certificate(pem));
  expect(root?.ca).toBe(true);
  expect(root && issuer?.verify(root.publicKey)).toBe(true);
  expect(existsSync(swtpm.socketPath)).toBe(true);
  await swtpm.close();
  expect(existsSync(swtpm.stateDir)).toBe(false);
});

it("keeps a state folder that was brought, and waits for QEMU when it is given a control socket", {
  timeout: SETUP_TIMEOUT_MS,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "nsattest-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const options = { stateDir: join(folder, "state"), control: join(folder, "control") };
  const first = await startSwtpm(options);
  await first.close();
  const second = await startSwtpm(options);
  onTestFinished(() => second.close());
  expect(second.rootCertificates).toEqual(first.rootCertificates);
  const control = connect(second.socketPath);
  onTestFinished(() => void control.destroy());
  control.write(GET_CAPABILITY);
  const [answer] = (await once(control, "data")) as [Buffer];
  expect(answer.readUInt32BE(0)).toBe(0);
});

it("has the banks that were asked for", { timeout: SETUP_TIMEOUT_MS }, async () => {
  const swtpm = await startSwtpm({ banks: ["sha384"] });
  onTestFinished(() => swtpm.close());
  const tpm = connect(swtpm.socketPath);
  onTestFinished(() => void tpm.destroy());
  // TPM2_GetCapability(TPM_CAP_PCRS): part 3, 30.2.
  tpm.write(Buffer.from("8001000000160000017a000000050000000000000001", "hex"));
  const [answer] = (await once(tpm, "data")) as [Buffer];
  const selections = answer.subarray(19).toString("hex").match(/.{12}/g);
  expect(selections?.filter((selection) => !selection.endsWith("000000"))).toEqual([
    "000c03ffffff",
  ]);
});

it("fails with a code when the state folder is no TPM's", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nsattest-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await expect(startSwtpm({ stateDir: folder })).rejects.toMatchObject({ code: "LAB_FILE" });
});
