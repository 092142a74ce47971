// SPDX-License-Identifier: Apache-2.0

/** Package and version whose events these are, as `dpkg-query --show` says it. */
export const OVMF_PACKAGE = "ovmf 2022.11-6+deb12u2";

/**
 * What OVMF and the kernel's EFI stub measure in a machine of the lab, but for kernel, command line and initial file system:
 * PCR, type, what can be read in the event, and the SHA-256 digest. Captured (`tpm/test/vectors/event-log`), the same with
 * every kernel; firmware volumes are measured unpacked, so their digests cannot be had from the package's files.
 */
export const OVMF_EVENTS: readonly (readonly [
  pcr: number,
  type: string,
  text: string,
  sha256: string,
])[] = [
  [0, "EV_S_CRTM_VERSION", "", "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"],
  [
    0,
    "EV_EFI_PLATFORM_FIRMWARE_BLOB",
    "",
    "76bbfa881e8b9956ce0a732a4866565c5a486c87c94220852eb476b30e5738cc",
  ],
  [
    0,
    "EV_EFI_PLATFORM_FIRMWARE_BLOB",
    "",
    "82a0445201cb49945461acc6ed78426700fb7e92819862edc55ba3ad4559b135",
  ],
  [
    7,
    "EV_EFI_VARIABLE_DRIVER_CONFIG",
    "SecureBoot",
    "115aa827dbccfb44d216ad9ecfda56bdea620b860a94bed5b7a27bba1c4d02d8",
  ],
  [
    7,
    "EV_EFI_VARIABLE_DRIVER_CONFIG",
    "PK",
    "dea7b80ab53a3daaa24d5cc46c64e1fa9ffd03739f90aadbd8c0867c4a5b4890",
  ],
  [
    7,
    "EV_EFI_VARIABLE_DRIVER_CONFIG",
    "KEK",
    "e670e121fcebd473b8bc41bb801301fc1d9afa33904f06f7149b74f12c47a68f",
  ],
  [
    7,
    "EV_EFI_VARIABLE_DRIVER_CONFIG",
    "db",
    "baf89a3ccace52750c5f0128351e0422a41597a1adfd50822aa363b9d124ea7c",
  ],
  [
    7,
    "EV_EFI_VARIABLE_DRIVER_CONFIG",
    "dbx",
    "9f75b6823bff6af1024a4e2036719cdd548d3cbc2bf1de8e7ef4d0ed01f94bf9",
  ],
  [7, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [
    1,
    "EV_EFI_VARIABLE_BOOT",
    "BootOrder",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
  ],
  [
    1,
    "EV_EFI_VARIABLE_BOOT",
    "Boot0000",
    "3197be1e300fa1600d1884c3a4bd4a90a15405bfb546cf2e6cf6095f8c362a93",
  ],
  [
    4,
    "EV_EFI_ACTION",
    "Calling EFI Application from Boot Option",
    "3d6772b4f84ed47595d72a2c4c5ffd15f5bb72c7507fe26f2aaee2c69d5633ba",
  ],
  [0, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [1, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [2, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [3, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [4, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [5, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [6, "EV_SEPARATOR", "", "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"],
  [
    5,
    "EV_EFI_ACTION",
    "Exit Boot Services Invocation",
    "d8043d6b7b85ad358eb3b6ae6a873ab7ef23a26352c5dc4faa5aeedacf5eb41b",
  ],
  [
    5,
    "EV_EFI_ACTION",
    "Exit Boot Services Returned with Success",
    "b54f7542cbd872a81a9d9dea839b2b8d747c7ebd5ea6615c40f42f44a6dbeba0",
  ],
];
