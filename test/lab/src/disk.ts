// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { LabError } from "./error.ts";
import type { GuestFile } from "./guest-file.ts";
import { runHostTool } from "./host-tool.ts";

/** Each change of a file makes another image; so many that were used last are kept beside the new one. */
const KEPT_IMAGES = 5;

/** Room for what a scenario writes: overlay layers, databases, test files. The image is sparse. */
const FREE_MIB = 768;
const MIB = 1024 * 1024;

/** Raised when the way images are built changes, so that older ones are not used. */
const FORMAT = 3;

/** A finished ext4 image. It is shared by all machines with the same files: boot it with a throw-away overlay. */
export interface Disk {
  readonly image: string;
  /** SHA-256 (hex) of each regular file by its path in the machine. */
  readonly digests: ReadonlyMap<string, string>;
}

/**
 * Builds an ext4 image with exactly `files`, without root: ownership is set under fakeroot. The same files give the image
 * that is already there.
 *
 * @throws LabError `LAB_FILE` when a source is missing or a path is given twice, `LAB_TOOL_MISSING`, `LAB_TOOL_FAILED`
 */
export async function buildDisk(files: readonly GuestFile[], cacheDir: string): Promise<Disk> {
  const digests = await digestsOf(files);
  const key = createHash("sha256").update(JSON.stringify([FORMAT, FREE_MIB]));
  for (const file of files) key.update(JSON.stringify([{ ...file, from: digests.get(file.path) }]));
  const image = join(cacheDir, "disks", `${key.digest("hex").slice(0, 32)}.ext4`);
  if ((await stat(image).catch(() => null)) !== null) {
    await utimes(image, new Date(), new Date());
    return { image, digests };
  }

  await mkdir(dirname(image), { recursive: true });
  await forgetOldImages(dirname(image));
  const work = await mkdtemp(join(cacheDir, "disks", ".new-"));
  try {
    const root = join(work, "root");
    const size = await stage(files, root);
    const exceptions = files.flatMap((file) => {
      if (file.kind === "folder") return [`chmod ${file.mode.toString(8)} '.${file.path}'`];
      return file.kind === "file" && file.uid !== 0 ? [`chown ${file.uid}:0 '.${file.path}'`] : [];
    });
    const fresh = join(work, "image");
    const mebibytes = Math.ceil((size / MIB) * 1.1) + FREE_MIB;
    const script = [
      "set -e",
      "chown -R 0:0 .",
      // Whatever the umask here is.
      "find . -type d -exec chmod 755 {} +",
      ...exceptions,
      // fs-verity needs blocks of a page. Fixed ids and time: equal files give a nearly equal image. No journal: the overlay is thrown away anyway.
      `mke2fs -q -t ext4 -O ^has_journal,verity -b 4096 -U clear -E hash_seed=00000000-0000-4000-8000-000000000000 -m 0 -d . '${fresh}' ${mebibytes}M`,
    ].join("\n");
    await runHostTool("fakeroot", ["--", "sh", "-c", script], {
      cwd: root,
      env: { E2FSPROGS_FAKE_TIME: "1700000000" },
    });
    await rename(fresh, image);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return { image, digests };
}

async function forgetOldImages(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ext4"));
  const images = await Promise.all(
    names.map(async (name) => ({ name, used: (await stat(join(folder, name))).mtimeMs })),
  );
  images.sort((a, b) => b.used - a.used);
  // A machine that runs from one of them keeps it open and loses nothing.
  for (const { name } of images.slice(KEPT_IMAGES)) await rm(join(folder, name), { force: true });
}

async function digestsOf(files: readonly GuestFile[]): Promise<Map<string, string>> {
  const paths = new Set<string>();
  const digests = new Map<string, string>();
  for (const file of files) {
    const isPlain = posix.resolve(file.path) === file.path && /^\/[^'\n]+$/.test(file.path);
    if (!isPlain || paths.has(file.path)) {
      throw new LabError("LAB_FILE", `${file.path} is given twice, or is no plain absolute path`);
    }
    paths.add(file.path);
    if (file.kind !== "file") continue;
    const bytes = "source" in file.from ? await readSource(file.from.source) : file.from.content;
    digests.set(file.path, createHash("sha256").update(bytes).digest("hex"));
  }
  return digests;
}

async function readSource(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new LabError("LAB_FILE", `${path} is to be on the disk but cannot be read`, { cause });
  }
}

/** Lays `files` out below `root` and returns their size in bytes. */
async function stage(files: readonly GuestFile[], root: string): Promise<number> {
  let size = 0;
  await mkdir(root, { recursive: true });
  for (const file of files) {
    const at = join(root, file.path);
    await mkdir(file.kind === "folder" ? at : dirname(at), { recursive: true });
    if (file.kind === "link") await symlink(file.target, at);
    if (file.kind === "file") {
      if ("source" in file.from) await copyFile(file.from.source, at);
      else await writeFile(at, file.from.content);
      await chmod(at, file.mode);
      await utimes(at, 0, 0);
      size += (await stat(at)).size;
    }
  }
  return size;
}
