// SPDX-License-Identifier: Apache-2.0

/** Bytes that follow a type's head, by its kind (Documentation/bpf/btf.rst); those that are not here have none. */
const TAIL: ReadonlyMap<number, (length: number) => number> = new Map<
  number,
  (length: number) => number
>([
  [1, () => 4],
  [3, () => 12],
  [4, (length) => length * 12],
  [5, (length) => length * 12],
  [6, (length) => length * 8],
  [13, (length) => length * 8],
  [14, () => 4],
  [15, (length) => length * 12],
  [17, () => 4],
  [19, (length) => length * 12],
]);
const STRUCT = 4;

/**
 * Where members of structures are in the running kernel, by `structure.member`, in bytes: from `/sys/kernel/btf/vmlinux`. Members of
 * anonymous structures inside are not found.
 *
 * @throws Error when one is not there
 */
export function memberOffsets(btf: Buffer, wanted: readonly string[]): ReadonlyMap<string, number> {
  const head = btf.readUInt32LE(4);
  const types = head + btf.readUInt32LE(8);
  const end = types + btf.readUInt32LE(12);
  const strings = head + btf.readUInt32LE(16);
  const text = (at: number): string =>
    btf.toString("latin1", strings + at, btf.indexOf(0, strings + at));
  const structures = new Set(wanted.map((name) => name.slice(0, name.indexOf("."))));
  const found = new Map<string, number>();
  for (let at = types; at < end; ) {
    const info = btf.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const length = info & 0xffff;
    const name = kind === STRUCT ? text(btf.readUInt32LE(at)) : "";
    at += 12;
    for (let member = 0; structures.has(name) && member < length; member += 1) {
      // With bit fields the upper byte is a size in bits.
      const bits = btf.readUInt32LE(at + member * 12 + 8) & (info >>> 31 ? 0xffffff : -1);
      found.set(`${name}.${text(btf.readUInt32LE(at + member * 12))}`, bits / 8);
    }
    at += TAIL.get(kind)?.(length) ?? 0;
  }
  const missing = wanted.filter((name) => !found.has(name));
  if (missing.length > 0) throw new Error(`the kernel has no ${missing.join(", ")}`);
  return found;
}
