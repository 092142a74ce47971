// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { HELP, parseMonitorArguments } from "./config.ts";

it("has a default for everything", () => {
  expect(parseMonitorArguments([])).toEqual({
    runFolder: "/run/nsattest",
    stateFolder: "/var/lib/nsattest/monitor",
    pinFolder: "/sys/fs/bpf/nsattest",
    tpmDevice: "/dev/tpmrm0",
    hostList: "/sys/kernel/security/ima/binary_runtime_measurements",
    endorsementKey: null,
    bootLog: "/sys/kernel/security/tpm0/binary_bios_measurements",
  });
});

it("takes every setting", () => {
  const args = [
    "--run=/r",
    "--state",
    "/s",
    "--pins=/p",
    "--tpm",
    "/t",
    "--list=/l",
    "--boot-log=/b",
    "--ek=L-2",
  ];
  expect(parseMonitorArguments(args)).toEqual({
    runFolder: "/r",
    stateFolder: "/s",
    pinFolder: "/p",
    tpmDevice: "/t",
    hostList: "/l",
    endorsementKey: "L-2",
    bootLog: "/b",
  });
});

it("is null when help is asked for, which names every option", () => {
  expect(parseMonitorArguments(["--help"])).toBeNull();
  for (const option of [
    "--run",
    "--state",
    "--pins",
    "--tpm",
    "--list",
    "--boot-log",
    "--ek",
    "--help",
  ]) {
    expect(HELP).toContain(`  ${option}`);
  }
});

it.each([[["--unknown"]], [["--run"]], [["somewhere"]], [["--help=yes"]], [["--ek=L-9"]]])(
  "refuses %j",
  (args) => {
    expect(() => parseMonitorArguments(args)).toThrow(
      expect.objectContaining({ code: "CONFIG", message: expect.stringContaining("--help") }),
    );
  },
);
