// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { startBoundProcess } from "./bound-process.ts";
import { LabError } from "./error.ts";
import { runHostTool } from "./host-tool.ts";

/** sha512 is left out: real TPMs lack banks too. */
const PCR_BANKS = ["sha1", "sha256", "sha384"];
const CA_CERTIFICATES = ["swtpm-localca-rootca-cert.pem", "issuercert.pem"];
const CONNECT_ATTEMPTS = 200;
const CONNECT_PAUSE_MS = 25;

export interface SwtpmOptions {
  /**
   * Folder of the TPM's identity and memory. Made when it does not exist, used as it is when it does, and kept: so a
   * machine boots again with its TPM. Default: a new TPM in a temporary folder that `close` removes.
   */
  readonly stateDir?: string;
  /**
   * Path of a control socket for QEMU's `-tpmdev emulator`: there is no data channel then, QEMU powers the TPM on.
   * Default: a TPM that is powered on and started, with a data channel.
   */
  readonly control?: string;
  /** PCR banks of a TPM that is made. Default: sha1, sha256, sha384. */
  readonly banks?: readonly string[];
}

/** A running software TPM with an EK certificate in its NV memory. */
export interface Swtpm {
  /** Unix socket of the data channel; with `control`, that path. */
  readonly socketPath: string;
  readonly stateDir: string;
  /** PEM of the CA that certified the EK: the root, then the issuer it signed. */
  readonly rootCertificates: readonly string[];
  /** Ends the process and returns when it has ended. */
  close(): Promise<void>;
}

/**
 * Makes a TPM unless `stateDir` holds one, starts it, and returns when it listens.
 *
 * @throws LabError `LAB_TOOL_MISSING` without swtpm and swtpm-tools, `LAB_TOOL_FAILED` when they fail,
 *   `LAB_FILE` when `stateDir` holds something else
 */
export async function startSwtpm(options: SwtpmOptions = {}): Promise<Swtpm> {
  // A socket's path has at most 107 bytes, a state folder may be deeper.
  const folder = await mkdtemp(join(tmpdir(), "nsattest-swtpm-"));
  const stateDir = resolve(options.stateDir ?? join(folder, "state"));
  const socketPath = options.control ?? join(folder, "tpm.sock");
  try {
    await manufacture(stateDir, options.banks ?? PCR_BANKS);
    const rootCertificates = await readAuthority(stateDir);
    const child = await launch(stateDir, socketPath, options.control !== undefined, folder);
    const close = async (): Promise<void> => {
      await stop(child);
      await rm(folder, { recursive: true, force: true });
    };
    return { socketPath, stateDir, rootCertificates, close };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Made beside its place and moved there: an interrupted run leaves no half TPM. */
async function manufacture(stateDir: string, banks: readonly string[]): Promise<void> {
  if (existsSync(stateDir)) return;
  const draft = `${stateDir}.new`;
  const ca = join(draft, "ca");
  await rm(draft, { recursive: true, force: true });
  await mkdir(ca, { recursive: true });
  await writeFile(
    join(ca, "localca.conf"),
    [
      `statedir = ${ca}`,
      `signingkey = ${join(ca, "signkey.pem")}`,
      `issuercert = ${join(ca, "issuercert.pem")}`,
      `certserial = ${join(ca, "certserial")}`,
      "",
    ].join("\n"),
  );
  await writeFile(join(ca, "localca.options"), "--platform-manufacturer nsattest\n");
  await writeFile(
    join(ca, "setup.conf"),
    [
      "create_certs_tool = swtpm_localca",
      `create_certs_tool_config = ${join(ca, "localca.conf")}`,
      `create_certs_tool_options = ${join(ca, "localca.options")}`,
      "",
    ].join("\n"),
  );
  await runHostTool("swtpm_setup", [
    "--tpm2",
    ...["--tpm-state", draft],
    ...["--config", join(ca, "setup.conf")],
    ...["--pcr-banks", banks.join(",")],
    "--create-ek-cert",
    "--lock-nvram",
  ]);
  await rename(draft, stateDir);
}

async function readAuthority(stateDir: string): Promise<readonly string[]> {
  const files = CA_CERTIFICATES.map((name) => readFile(join(stateDir, "ca", name), "utf8"));
  try {
    return await Promise.all(files);
  } catch (cause) {
    throw new LabError("LAB_FILE", `${stateDir} holds no TPM made here`, { cause });
  }
}

async function launch(
  stateDir: string,
  socketPath: string,
  forQemu: boolean,
  folder: string,
): Promise<ChildProcess> {
  const control = forQemu ? socketPath : join(folder, "control.sock");
  // With QEMU, swtpm has to wait for QEMU's power-on.
  const data = [
    "--server",
    `type=unixio,path=${socketPath}`,
    "--flags",
    "not-need-init,startup-clear",
  ];
  const child = startBoundProcess("swtpm", [
    ...["socket", "--tpm2", "--tpmstate", `dir=${stateDir}`],
    ...["--ctrl", `type=unixio,path=${control}`],
    ...(forQemu ? [] : data),
  ]);
  child.stdout.resume();
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("utf8")).slice(-4000);
  });
  const ended = once(child, "close").then(
    () => new LabError("LAB_TOOL_FAILED", `swtpm ended: ${complaint.trim()}`),
    (cause) => new LabError("LAB_TOOL_MISSING", "swtpm did not start", { cause }),
  );
  const failure = await Promise.race([ended, untilListening(socketPath, child)]);
  if (failure === null) return child;
  await stop(child);
  throw failure;
}

async function untilListening(path: string, child: ChildProcess): Promise<LabError | null> {
  for (let attempt = 0; attempt < CONNECT_ATTEMPTS && isRunning(child); attempt++) {
    if (await accepts(path)) return null;
    await setTimeout(CONNECT_PAUSE_MS);
  }
  return new LabError("LAB_TOOL_FAILED", "swtpm does not listen");
}

async function accepts(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const closed = once(child, "close");
  child.kill();
  await closed;
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
