// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LabError } from "./error.ts";
import { runHostTool } from "./host-tool.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** A Debian suite, reached through an apt root of its own: neither root nor the machine's package lists are needed. */
export interface DebianArchive {
  readonly suite: string;
  /** The direct dependencies of a package, as its current version names them. */
  dependencies(name: string): Promise<string[]>;
  /** The names of all packages that were unpacked before. */
  unpacked(): Promise<string[]>;
  /** Fetches a package, unpacks it and returns the folder; a version that is there already is not fetched again. */
  unpack(name: string): Promise<UnpackedPackage>;
}

/** One package, unpacked. */
interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  readonly root: string;
}

/**
 * The codename of the Debian that runs here, such as `bookworm`.
 *
 * @throws LabError `LAB_HOST_UNSUPPORTED` when this is not Debian
 */
export async function hostSuite(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1];
  if (!/^ID=debian$/m.test(text) || suite === undefined) {
    throw new LabError(
      "LAB_HOST_UNSUPPORTED",
      "the lab machine is built from a running Debian 12 or newer",
    );
  }
  return suite;
}

/**
 * Opens `suite` at the mirror this machine already uses.
 *
 * For another suite than the running one only the main archive is asked: a mirror's security archive may lack it.
 *
 * @throws LabError `LAB_HOST_UNSUPPORTED` without a configured Debian archive, `LAB_TOOL_FAILED` when apt fails
 */
export async function openArchive(suite: string, cacheDir: string): Promise<DebianArchive> {
  const root = join(cacheDir, "apt", suite);
  const packages = join(cacheDir, "packages");
  await mkdir(packages, { recursive: true });
  const apt = [
    ["Dir::Etc::SourceList", join(root, "sources.list")],
    ["Dir::Etc::SourceParts", "/dev/null"],
    ["Dir::State", join(root, "state")],
    ["Dir::State::status", join(root, "status")],
    ["Dir::Cache", join(root, "cache")],
    // Downloads belong to whoever runs this; the sandbox user could not write into their folder.
    ["APT::Sandbox::User", ""],
  ].flatMap(([key, value]) => ["-o", `${key}=${value}`]);

  if (!(await isThere(join(root, "ready")))) {
    for (const folder of ["state/lists/partial", "cache/archives/partial"]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await writeFile(join(root, "status"), "");
    await writeFile(join(root, "sources.list"), await sourcesFor(suite));
    await runHostTool("apt-get", [...apt, "update"]);
    await writeFile(join(root, "ready"), "");
  }

  return {
    suite,
    async dependencies(name) {
      const text = (await runHostTool("apt-cache", [...apt, "depends", name])).toString();
      return [...text.matchAll(/^ +Depends: ([^\s<]+)$/gm)].flatMap((match) => match[1] ?? []);
    },
    unpacked: () => readdir(join(packages, suite)).catch(() => []),
    async unpack(name) {
      const folder = join(packages, suite, name);
      const [known] = await readdir(folder).catch(() => []);
      if (known !== undefined) return { name, version: known, root: join(folder, known) };

      const work = join(packages, `.${suite}-${name}-${process.pid}`);
      await rm(work, { recursive: true, force: true });
      await mkdir(join(work, "x"), { recursive: true });
      try {
        await runHostTool("apt-get", [...apt, "download", name], { cwd: work });
      } catch (cause) {
        throw new LabError("LAB_PACKAGE", `${name} of ${suite} could not be fetched: ${cause}`, {
          cause,
        });
      }
      const file = (await readdir(work)).find((entry) => entry.endsWith(".deb"));
      if (file === undefined) throw new LabError("LAB_PACKAGE", `${name} of ${suite} left no file`);
      const version = decodeURIComponent(file.split("_")[1] ?? "");
      await runHostTool("dpkg", ["-x", join(work, file), join(work, "x")]);
      await mkdir(folder, { recursive: true });
      // Complete folders only ever appear under their final name.
      await rename(join(work, "x"), join(folder, version));
      await rm(work, { recursive: true });
      return { name, version, root: join(folder, version) };
    },
  };
}

async function sourcesFor(suite: string): Promise<string> {
  const running = await hostSuite();
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const list = ["indextargets", "--format", format, "Identifier: Packages"];
  const text = await runHostTool("apt-get", list);
  const sources = text
    .toString()
    .split("\n")
    .flatMap((line) => {
      const [uri, release, component] = line.split(" ");
      const isDebian = release === running || release?.startsWith(`${running}-`);
      if (uri === undefined || component === undefined || !isDebian) return [];
      if (suite !== running && release !== running) return [];
      const wanted = suite === running ? release : suite;
      return [`deb [signed-by=${KEYRING}] ${uri} ${wanted} ${component}\n`];
    });
  if (sources.length === 0) {
    throw new LabError("LAB_HOST_UNSUPPORTED", `no apt source of this machine offers ${running}`);
  }
  return sources.join("");
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
