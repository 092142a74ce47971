// SPDX-License-Identifier: Apache-2.0

/** One member: a regular file (`bytes`) or a symbolic link (`target`). */
export interface TarMember {
  /** Relative, at most 100 bytes. */
  readonly path: string;
  readonly mode: number;
  readonly content: { readonly bytes: Uint8Array } | { readonly target: string };
}

const BLOCK = 512;

/**
 * Writes a POSIX ustar archive (IEEE 1003.1, pax). Members come in the order of their names, belong to root and carry no
 * time: equal members give equal bytes, and so an image built twice has one digest.
 */
export function writeTar(members: readonly TarMember[]): Buffer {
  const sorted = [...members].sort((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = sorted.flatMap((member) => {
    const bytes = "bytes" in member.content ? member.content.bytes : new Uint8Array(0);
    return [
      header(member, bytes.length),
      bytes,
      Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
    ];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header(member: TarMember, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string =>
    value.toString(8).padStart(width - 1, "0");
  block.write(member.path, 0, 100, "utf8");
  block.write(octal(member.mode, 8), 100);
  block.write(octal(0, 8), 108); // uid
  block.write(octal(0, 8), 116); // gid
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136); // mtime
  block.write("target" in member.content ? "2" : "0", 156);
  if ("target" in member.content) block.write(member.content.target, 157, 100, "utf8");
  block.write("ustar\0" + "00", 257);
  block.fill(" ", 148, 156); // the checksum counts its own field as blanks
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)}\0 `, 148);
  return block;
}
