// SPDX-License-Identifier: Apache-2.0

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { ListPcrs } from "@nsattest/ns-ima";
import {
  type BankSelection,
  ByteReader,
  ByteWriter,
  EK_KINDS,
  type EkKind,
  type EkName,
  type HashName,
  type LoadedKey,
  type PcrValue,
  TpmError,
  type WrappedKey,
} from "@nsattest/tpm";
import type { EndorsementKey, Tpm } from "../../tpm-device/tpm.ts";
import {
  ANCHOR_PCR,
  type MonitorTpm,
  type Quote,
  type RecallListPcrs,
  type TpmIdentity,
} from "./tpm-port.ts";

const PARAMETER_FAULT = 0xc0;

/** The node's TPM with its endorsement and attestation keys loaded for as long as the process lives. */
export class NodeTpm implements MonitorTpm {
  readonly #tpm: Tpm;
  readonly #ek: EndorsementKey;
  readonly #ak: LoadedKey;
  readonly #certificate: Uint8Array | null;
  readonly #chain: Uint8Array;
  readonly #banks: readonly HashName[];

  private constructor(
    tpm: Tpm,
    keys: { readonly ek: EndorsementKey; readonly ak: LoadedKey },
    { certificate, chain }: { readonly certificate: Uint8Array | null; readonly chain: Uint8Array },
    banks: readonly HashName[],
  ) {
    this.#tpm = tpm;
    this.#ek = keys.ek;
    this.#ak = keys.ak;
    this.#certificate = certificate;
    this.#chain = chain;
    this.#banks = banks;
  }

  /**
   * Derives the EK and loads the AK kept in `akFile`, or makes a new one where there is none or this TPM cannot load it (another TPM, or a
   * cleared one): the registrar then sees a new AK of the same or another EK.
   *
   * The file is no secret: only the TPM that wrapped the key can use it.
   *
   * @param wanted kind of EK; null for the first one of which the TPM has a certificate, or RSA where it has none
   * @throws TpmError, and what the system says of a file that can be neither read nor written
   */
  static async open(tpm: Tpm, akFile: string, wanted: EkName | null = null): Promise<NodeTpm> {
    const kinds = wanted === null ? Object.values(EK_KINDS) : [EK_KINDS[wanted]];
    const { kind, certificate } = await certifiedKind(tpm, kinds);
    const ek = await tpm.createEndorsementKey(kind);
    const ak = (await loadKept(tpm, ek, akFile)) ?? (await makeAndKeep(tpm, ek, akFile));
    const chain = await tpm.readEkChain();
    return new NodeTpm(tpm, { ek, ak }, { certificate, chain }, await tpm.getPcrBanks());
  }

  identity(): TpmIdentity {
    return {
      ekPublic: this.#ek.publicArea,
      ekCertificate: this.#certificate,
      ekChain: this.#chain,
      akPublic: this.#ak.publicArea,
    };
  }

  activate(credentialBlob: Uint8Array, secret: Uint8Array): Promise<Uint8Array> {
    return this.#tpm.activateCredential(this.#ak, this.#ek, { credentialBlob, secret });
  }

  clock(): ReturnType<Tpm["readClock"]> {
    return this.#tpm.readClock();
  }

  async banks(): Promise<readonly HashName[]> {
    return this.#banks;
  }

  async readAnchor(bank: HashName): Promise<Uint8Array> {
    const [value] = await this.#tpm.pcrRead([{ bank, pcrs: [ANCHOR_PCR] }]);
    if (value === undefined)
      throw new TpmError("PCR_SELECTION", `the TPM does not read PCR ${ANCHOR_PCR}`);
    return value.value;
  }

  extendAnchor(digests: ReadonlyMap<HashName, Uint8Array>): Promise<void> {
    return this.#tpm.pcrExtend(ANCHOR_PCR, digests);
  }

  quote(nonce: Uint8Array, selection: BankSelection, recall: RecallListPcrs): Promise<Quote> {
    return this.#tpm.quoteWithPcrs(this.#ak, nonce, [selection], (fits, latest) => {
      const withList = (list: ListPcrs): readonly PcrValue[] =>
        latest.map((pcr) => ({ ...pcr, value: list.get(pcr.index) ?? pcr.value }));
      const found = recall((list) => fits(withList(list)));
      return found && withList(found);
    });
  }
}

/** The first of `kinds` that the vendor certified; where there is none, the first of them all without a certificate. */
async function certifiedKind(
  tpm: Tpm,
  kinds: readonly EkKind[],
): Promise<{ readonly kind: EkKind; readonly certificate: Uint8Array | null }> {
  for (const kind of kinds) {
    const certificate = await tpm.readEkCertificate(kind);
    if (certificate !== null) return { kind, certificate };
  }
  const [kind = EK_KINDS["L-1"]] = kinds;
  return { kind, certificate: null };
}

async function loadKept(tpm: Tpm, ek: EndorsementKey, akFile: string): Promise<LoadedKey | null> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(akFile));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return await tpm.loadAttestationKey(ek, decodeKey(bytes));
  } catch (error) {
    if (isKeysFault(error)) return null;
    throw error;
  }
}

/**
 * True when the file is damaged or the TPM refuses just this key: a format-one code about a parameter (TPM 2.0 part 2, 6.6.2). A TPM that
 * is out of memory or busy may mend itself, and must not cost the node its key.
 */
function isKeysFault(error: unknown): boolean {
  if (!(error instanceof TpmError)) return false;
  const { code, responseCode = 0 } = error;
  return code.startsWith("BYTES_") || (responseCode & PARAMETER_FAULT) === PARAMETER_FAULT;
}

async function makeAndKeep(tpm: Tpm, ek: EndorsementKey, akFile: string): Promise<LoadedKey> {
  const wrapped = await tpm.createAttestationKey(ek);
  const temporary = `${akFile}.new`;
  writeFileSync(temporary, encodeKey(wrapped), { mode: 0o600, flush: true });
  renameSync(temporary, akFile);
  return tpm.loadAttestationKey(ek, wrapped);
}

function encodeKey({ privateArea, publicArea }: WrappedKey): Uint8Array {
  return new ByteWriter().tpm2b(privateArea).tpm2b(publicArea).finish();
}

function decodeKey(bytes: Uint8Array): WrappedKey {
  const reader = new ByteReader(bytes);
  const wrapped = { privateArea: reader.tpm2b(), publicArea: reader.tpm2b() };
  reader.end();
  return wrapped;
}
