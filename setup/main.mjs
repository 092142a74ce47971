// SPDX-License-Identifier: Apache-2.0
// Set-up, the two commands of the README, the fuzzer, the forgeries, the tricks and the mutants. Plain JavaScript without dependencies: it runs before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, "dist");

/** What the virtual machine, its TPM and its disk are made with. */
const RUN_PACKAGES = [
  "apt",
  "binutils",
  "cpio",
  "e2fsprogs",
  "fakeroot",
  "gcc",
  "kmod",
  "lz4",
  "libc6-dev",
  "ovmf",
  "qemu-system-x86",
  "swtpm",
  "swtpm-tools",
  "xz-utils",
  "zstd",
];
/** What only the tests need: compilers for the BPF object, and programs that are not us to compare with. */
const TEST_PACKAGES = ["clang", "libbpf-dev", "llvm", "ima-evm-utils", "openssl", "tpm2-tools"];

const [command = "setup", ...args] = process.argv.slice(2);
process.exitCode = await main();

async function main() {
  checkNode();
  installNodePackages();
  if (command === "fuzz")
    return (await import("./fuzz.mjs")).fuzz(ROOT, args).then(({ code }) => code);
  if (command === "test:attacks") return (await import("./attacks.mjs")).attacks(ROOT);
  if (command === "test:mutants") return (await import("./attacks.mjs")).mutants(ROOT, args);
  const isTest = command === "test" || command === "test:enrolment";
  installDebianPackages(isTest ? [...RUN_PACKAGES, ...TEST_PACKAGES] : RUN_PACKAGES);
  if (command === "test:enrolment") return (await import("./attacks.mjs")).enrolments(ROOT);
  buildHook();
  const { bundle } = await import("./bundle.mjs");
  say("bundling the services");
  await bundle(ROOT, DIST);
  if (command === "setup") return 0;
  if (command === "test") return (await import("./test.mjs")).test(ROOT, args);
  if (command === "test:hostile") return (await import("./attacks.mjs")).hostile(ROOT, args);
  if (command === "vectors")
    return runThrough(process.execPath, [join(DIST, "bin/vectors.mjs"), ...args]);
  // What a node costs in memory is measured after a collection.
  if (command === "bench")
    return runThrough(process.execPath, ["--expose-gc", join(DIST, "bin/bench.mjs"), ...args]);
  return runThrough(process.execPath, [join(DIST, "bin/nsattest.mjs"), command, ...args]);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${process.versions.node} is too old; install Node 20.19 or newer and try again`);
}

function installNodePackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
  const stamp = join(ROOT, "node_modules/.nsattest-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing npm packages (a few minutes the first time: better-sqlite3 is compiled)");
  // Not `npm ci`: it refuses a lock file without the optional packages of platforms that the registry it was made with lacks.
  if (run("npm", ["install", "--no-save", "--loglevel=error"], "stderr") !== 0)
    fail("npm install failed; see its output above");
  writeFileSync(stamp, lock);
}

function installDebianPackages(wanted) {
  const missing = wanted.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing];
  if (asRoot.length > 0 && spawnSync("sudo", ["-n", "true"]).status !== 0) {
    fail(
      `Debian packages are missing and neither root nor sudo without password is at hand. Run:\n  sudo ${install.join(" ")}\nand try again`,
    );
  }
  say(`installing Debian packages: ${missing.join(" ")}`);
  const env = ["env", "DEBIAN_FRONTEND=noninteractive"];
  const steps = [["apt-get", "update", "-qq"], install];
  for (const step of steps) {
    const [program, ...rest] = [...asRoot, ...env, ...step];
    if (run(program, rest, "stderr") !== 0)
      fail(`${step.slice(0, 2).join(" ")} failed; see its output above`);
  }
}

function isInstalled(name) {
  const { stdout, error } = spawnSync("dpkg", ["--status", name], { encoding: "utf8" });
  if (error) fail("dpkg is missing: this set-up knows Debian 12 and later only");
  return stdout.includes("\nStatus: install ok installed\n");
}

function buildHook() {
  const output = join(DIST, "hook/nsattest-hook");
  const sources = ["native/nsattest-hook.c", "build.sh"].map((name) => join(ROOT, "hook", name));
  const isNewer = (source) => statSync(source).mtimeMs > statSync(output).mtimeMs;
  if (existsSync(output) && !sources.some(isNewer)) return;
  say("building the hook");
  mkdirSync(dirname(output), { recursive: true });
  if (run("sh", [join(ROOT, "hook/build.sh"), output], "stderr") !== 0)
    fail("the hook does not compile; see above");
}

/** Runs a program in the project's folder and returns its exit code; `stderr` sends its output there, for standard output is the result's. */
function run(program, programArgs, output = "inherit") {
  const stdout = output === "stderr" ? 2 : "inherit";
  const { status, error } = spawnSync(program, programArgs, {
    cwd: ROOT,
    stdio: ["inherit", stdout, "inherit"],
  });
  if (error) fail(`${program}: ${error.message}`);
  return status ?? 1;
}

/** Runs the main job: it ends itself on Ctrl-C, and we wait until it has. */
function runThrough(program, programArgs) {
  const child = spawn(program, programArgs, { cwd: ROOT, stdio: "inherit" });
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`${program}: ${error.message}`));
    child.on("exit", (code, signal) => resolve(signal === null ? code : 1));
  });
}

function say(text) {
  process.stderr.write(`[set-up] ${text}\n`);
}

function fail(text) {
  process.stderr.write(`[set-up] ${text}\n`);
  process.exit(3);
}
