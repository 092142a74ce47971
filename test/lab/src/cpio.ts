// SPDX-License-Identifier: Apache-2.0

/** One member of an archive. */
export interface CpioMember {
  readonly path: string;
  /** With the file type bits. */
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes a cpio archive in the kernel's `newc` format (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * All members belong to root and carry no time, so equal members give equal bytes.
 */
export function writeCpio(members: readonly CpioMember[]): Buffer {
  const all = [...members, { path: "TRAILER!!!", mode: 0, bytes: new Uint8Array(0) }];
  return Buffer.concat(
    all.flatMap((member, index) => {
      const name = Buffer.from(`${member.path}\0`);
      const nlink = 1;
      // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
      const fields = [
        index + 1,
        member.mode,
        0,
        0,
        nlink,
        0,
        member.bytes.length,
        0,
        0,
        0,
        0,
        name.length,
        0,
      ];
      const header = Buffer.from(
        `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`,
      );
      return [
        header,
        name,
        padding(header.length + name.length),
        member.bytes,
        padding(member.bytes.length),
      ];
    }),
  );
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
