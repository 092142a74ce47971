// SPDX-License-Identifier: Apache-2.0
import type { Vm } from "@nsattest/lab";
import type { MadeFile } from "./made-file.ts";
import { OWNERS } from "./policy.ts";

/** Where the files are; a folder of the disk's file system. */
export const FOLDER = "/v";
/** `guest.c`, in the machine. */
export const GUEST = "/sbin/guest";

/**
 * Makes a file in the machine and has it measured. False when the kernel refuses an attribute or fs-verity: it does for
 * hash algorithms that it has as modules only.
 *
 * @throws LabError
 */
export async function makeFile(vm: Vm, file: MadeFile): Promise<boolean> {
  const path = quoteBytes(`${FOLDER}/${file.name}`);
  const mode = (file.mode ?? 0o644).toString(8);
  await vm.check(
    `mkdir -p "$(dirname ${path})" && cat > ${path} && chown ${OWNERS[file.owner]}:${file.gid ?? 0} ${path} && chmod ${mode} ${path}`,
    { input: file.content },
  );
  for (const name of ["ima", "evm"] as const) {
    const value = file[name];
    if (value === undefined) continue;
    const input = Buffer.from(value, "hex");
    if ((await vm.run(`${GUEST} xattr ${path} security.${name}`, { input })).code !== 0)
      return false;
  }
  if (file.verity !== undefined) {
    if ((await vm.run(`${GUEST} verity ${path} ${file.verity}`)).code !== 0) return false;
  }
  await vm.check(reading(file, path));
  return true;
}

function reading({ name, how }: MadeFile, path: string): string {
  if (how === "open-writer") return `exec 3>>${path}; cat ${path} > /dev/null`;
  if (how === "tomtou") return `${GUEST} hold ${path}`;
  if (how !== "detached") return `cat ${path} > /dev/null`;
  const [folder = "", base = ""] = name.split("/");
  const at = quoteBytes(`${FOLDER}/${folder}`);
  return `mount --bind ${at} /mnt && cd /mnt && umount -l /mnt && cat ${quoteBytes(base)} > /dev/null`;
}

/** Latin-1 for bytes, for the shell. A name may not end with a newline. */
function quoteBytes(bytes: string): string {
  const octal = [...Buffer.from(bytes, "latin1")].map(
    (byte) => `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `"$(printf '${octal.join("")}')"`;
}
