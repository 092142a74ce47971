// SPDX-License-Identifier: Apache-2.0

import { createHash, type KeyObject } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type EkName, parsePublicArea, publicKeyOf } from "@nsattest/tpm";
import type { EnrolmentTpm, TpmIdentity } from "../../agent/src/attester/enrol/enrol.ts";
import { NodeTpm } from "../../agent/src/monitor/anchor/node-tpm.ts";
import { connectSwtpm } from "../../agent/src/tpm-device/swtpm.ts";
import { Tpm } from "../../agent/src/tpm-device/tpm.ts";
import { type Swtpm, startSwtpm } from "../lab/src/swtpm.ts";

export interface MachineOptions {
  readonly ek?: EkName;
  /** State of a TPM that there is, or was copied. */
  readonly stateDir?: string;
  /** Folder of the monitor, with the wrapped AK. */
  readonly home?: string;
}

/** A machine with a software TPM of its own, as its monitor and its agent use it. */
export class Machine {
  readonly swtpm: Swtpm;
  readonly tpm: Tpm;
  /** Folder of the monitor and of the agent. */
  readonly home: string;
  readonly #node: NodeTpm;

  private constructor(swtpm: Swtpm, tpm: Tpm, home: string, node: NodeTpm) {
    this.swtpm = swtpm;
    this.tpm = tpm;
    this.home = home;
    this.#node = node;
  }

  static async start(folder: string, options: MachineOptions = {}): Promise<Machine> {
    const { ek = null, stateDir, home = mkdtempSync(join(folder, "machine-")) } = options;
    const swtpm = await startSwtpm(stateDir === undefined ? {} : { stateDir });
    const tpm = new Tpm(await connectSwtpm({ path: swtpm.socketPath }));
    const node = await NodeTpm.open(tpm, join(home, "attestation.key"), ek);
    return new Machine(swtpm, tpm, home, node);
  }

  async close(): Promise<void> {
    await this.tpm.close();
    await this.swtpm.close();
  }

  identity(): TpmIdentity {
    return this.#node.identity();
  }

  get ekKey(): KeyObject {
    return publicKeyOf(parsePublicArea(this.identity().ekPublic));
  }

  get ekHash(): string {
    const spki = this.ekKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(spki).digest("hex");
  }

  /** The TPM as the agent sees it, with `changes` in what it says of itself. */
  claiming(changes: Partial<TpmIdentity> = {}): EnrolmentTpm {
    return {
      identity: async () => ({ ...this.identity(), ...changes }),
      activate: ({ credentialBlob, secret }) => this.#node.activate(credentialBlob, secret),
    };
  }
}
