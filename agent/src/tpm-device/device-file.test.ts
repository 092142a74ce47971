// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openDeviceFile } from "./device-file.ts";

const COMMAND = new Uint8Array([0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 0x81]);

async function temporaryPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nsattest-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "device");
}

it("writes a whole command and reads what the device has", async () => {
  const path = await temporaryPath();
  // A FIFO opened for both directions gives back what was written to it.
  execFileSync("mkfifo", [path]);
  const device = await openDeviceFile(path);
  onTestFinished(() => device.close());
  expect(await device.transceive(COMMAND)).toEqual(COMMAND);
  expect(await device.transceive(COMMAND.subarray(2))).toEqual(COMMAND.subarray(2));
});

it("fails with a code where there is no device", async () => {
  const path = await temporaryPath();
  await expect(openDeviceFile(path)).rejects.toMatchObject({ code: "DEVICE_IO" });
});

it("gives an empty answer where a device has none", async () => {
  const path = await temporaryPath();
  await writeFile(path, "");
  const device = await openDeviceFile(path);
  onTestFinished(() => device.close());
  expect(await device.transceive(COMMAND)).toHaveLength(0);
});

it("fails with a code once it is closed", async () => {
  const path = await temporaryPath();
  await writeFile(path, "");
  const device = await openDeviceFile(path);
  await device.close();
  await expect(device.transceive(COMMAND)).rejects.toMatchObject({ code: "DEVICE_IO" });
});
