// SPDX-License-Identifier: Apache-2.0

import { setTimeout } from "node:timers/promises";
import {
  AK_ECC_P256_TEMPLATE,
  AK_RSA_2048_TEMPLATE,
  type Authorization,
  activateCredential,
  type BankDigests,
  createKey,
  createPrimary,
  EK_CHAIN_INDICES,
  EK_KINDS,
  type EkKind,
  flushContext,
  getHandles,
  getPcrBanks,
  getProperties,
  Handle,
  type HashName,
  type LoadedKey,
  loadKey,
  type NamedPublic,
  nvRead,
  nvReadPublic,
  type PcrSelection,
  type PcrValue,
  parseQuoteAttest,
  parseSignature,
  pcrDigest,
  pcrExtend,
  pcrRead,
  policySecret,
  quote,
  type RawQuote,
  ResponseCode,
  readClock,
  readPublic,
  samePcrSelection,
  startPolicySession,
  type TpmClock,
  type TpmCommand,
  TpmError,
  type TpmProperty,
  trimCertificate,
  type WrappedCredential,
  type WrappedKey,
} from "@nsattest/tpm";
import type { TpmTransport } from "./transport.ts";

/** A quote with the values of the PCRs at the moment of signing. */
export interface QuoteWithPcrs extends RawQuote {
  /** In the order of the selection. */
  readonly pcrs: readonly PcrValue[];
}

/**
 * Finds values that the quoted PCRs had while they moved. `fits` says of values whether they were quoted; `latest` are those
 * read after the quote.
 */
export type RecallPcrs = (
  fits: (pcrs: readonly PcrValue[]) => boolean,
  latest: readonly PcrValue[],
) => readonly PcrValue[] | null;

/** A loaded EK, and how it was made. */
export interface EndorsementKey extends LoadedKey {
  readonly kind: EkKind;
}

/** The TPM asks for the same command again; the kernel does so itself, a raw socket does not. */
const TRY_AGAIN: ReadonlySet<number> = new Set([
  ResponseCode.RETRY,
  ResponseCode.YIELDED,
  ResponseCode.TESTING,
]);
const MAX_SENDS = 20;
const RESEND_DELAY_MS = 20;
/** Another process may extend PCRs all the time; a quote takes up to half a second on a real chip. */
const MAX_QUOTES = 5;
/** Every TPM can read this many bytes at a time. */
const NV_CHUNK = 512;
const MAX_CERTIFICATE_SIZE = 16_384;
/** Certificates of a vendor's authorities that a TPM brings along; vendors have two or three. */
const MAX_CHAIN_INDICES = 16;
/** With the empty password that H-* EKs have. */
const PASSWORD: Authorization = { kind: "password" };
const FIRST_SESSION = 0x0200_0000;
const FIRST_TRANSIENT = 0x8000_0000;
const MAX_HANDLES = 64;

/**
 * A TPM 2.0 whose hierarchies have empty passwords.
 *
 * Verbs may be called at any time; commands are sent one after the other. What the TPM answers is parsed strictly and
 * otherwise believed: who does not trust the TPM verifies the quote.
 *
 * Every verb throws TpmError only: `RESPONSE_CODE` when the TPM refuses (`responseCode` is its code), `DEVICE_*` when it
 * cannot be reached, `RESPONSE_MALFORMED`, `BYTES_*`, `HASH_UNKNOWN`, `PCR_SELECTION` and `PUBLIC_AREA` when its answer
 * cannot be read.
 */
export class Tpm {
  readonly #transport: TpmTransport;
  readonly #pause: (milliseconds: number) => Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();

  /** `pause` waits before a command is sent again. */
  constructor(
    transport: TpmTransport,
    pause: (milliseconds: number) => Promise<unknown> = setTimeout,
  ) {
    this.#transport = transport;
    this.#pause = pause;
  }

  /** Waits for the command under way, then closes the transport. */
  async close(): Promise<void> {
    await this.#last;
    await this.#transport.close();
  }

  /** TPM_PT properties from `first` on. */
  async getProperties(first: number, count: number): Promise<readonly TpmProperty[]> {
    return (await this.#send(getProperties(first, count))).items;
  }

  /** Allocated PCR banks: each of them has to be extended, for an unextended one can be made to say anything. */
  async getPcrBanks(): Promise<readonly HashName[]> {
    return (await this.#send(getPcrBanks())).items;
  }

  readClock(): Promise<TpmClock> {
    return this.#send(readClock());
  }

  /**
   * Values of the selected PCRs, in the order of the selection. PCRs may move while they are read.
   *
   * @throws TpmError also `PCR_SELECTION` when the TPM has no such bank
   */
  async pcrRead(selection: PcrSelection): Promise<readonly PcrValue[]> {
    const values: PcrValue[] = [];
    for (const { bank, pcrs } of selection) {
      let left = [...new Set(pcrs)].sort((a, b) => a - b);
      while (left.length > 0) {
        const read = await this.#send(pcrRead([{ bank, pcrs: left }]));
        const got = new Set(read.values.filter((v) => v.bank === bank).map(({ index }) => index));
        const missing = left.filter((index) => !got.has(index));
        if (missing.length + read.values.length !== left.length || read.values.length === 0) {
          throw new TpmError("PCR_SELECTION", `the TPM does not read ${bank} PCRs ${left}`);
        }
        values.push(...read.values);
        left = missing;
      }
    }
    return values;
  }

  /** Extends PCR `index` in each bank named in `digests`. */
  pcrExtend(index: number, digests: BankDigests): Promise<void> {
    return this.#send(pcrExtend(index, digests));
  }

  /** The EK of a kind, derived again from the endorsement seed: always the same key. Flush it after use. */
  async createEndorsementKey(kind: EkKind = EK_KINDS["L-1"]): Promise<EndorsementKey> {
    return { ...(await this.#send(createPrimary(Handle.ENDORSEMENT, kind.template))), kind };
  }

  /**
   * Makes a new AK below the EK: P-256 below an EK on a curve, else RSA-2048. It is not loaded; keep both parts, they
   * are of no use to another TPM.
   */
  createAttestationKey(ek: EndorsementKey): Promise<WrappedKey> {
    const isRsa = ek.kind.name === "L-1" || ek.kind.name === "H-1";
    const template = isRsa ? AK_RSA_2048_TEMPLATE : AK_ECC_P256_TEMPLATE;
    return this.#using(ek, (authorization) =>
      this.#send(createKey(ek.handle, authorization, template)),
    );
  }

  /** Loads an AK that {@link createAttestationKey} made on this TPM. */
  loadAttestationKey(ek: EndorsementKey, key: WrappedKey): Promise<LoadedKey> {
    return this.#using(ek, (authorization) => this.#send(loadKey(ek.handle, authorization, key)));
  }

  readPublic(handle: number): Promise<NamedPublic> {
    return this.#send(readPublic(handle));
  }

  /**
   * The vendor's certificate of an EK in DER, or null when the TPM has none.
   *
   * @throws TpmError also `CERTIFICATE_ENCODING`
   */
  async readEkCertificate(kind: EkKind = EK_KINDS["L-1"]): Promise<Uint8Array | null> {
    try {
      return trimCertificate(await this.#readNv(kind.certificateIndex));
    } catch (error) {
      const code = error instanceof TpmError ? error.responseCode : undefined;
      if (code === ResponseCode.BAD_HANDLE_1 || code === ResponseCode.NV_UNINITIALIZED) return null;
      throw error;
    }
  }

  /**
   * What the vendor put into the TPM of the certificates above the EK's: DER, one after the other, perhaps padded. Empty
   * where there is nothing, or more than anybody needs.
   */
  async readEkChain(): Promise<Uint8Array> {
    const { first, last } = EK_CHAIN_INDICES;
    const { items } = await this.#send(getHandles(first, MAX_CHAIN_INDICES));
    const chunks: Uint8Array[] = [];
    for (const index of items.filter((handle) => handle <= last)) {
      chunks.push(await this.#readNv(index));
    }
    const chain = new Uint8Array(Buffer.concat(chunks));
    return chain.length > MAX_CERTIFICATE_SIZE ? new Uint8Array(0) : chain;
  }

  /** The credential inside `wrapped`, if it was made for this EK and this AK's name. */
  activateCredential(
    ak: LoadedKey,
    ek: EndorsementKey,
    wrapped: WrappedCredential,
  ): Promise<Uint8Array> {
    return this.#using(ek, (endorsementAuthorization) =>
      this.#send(
        activateCredential({
          key: ak.handle,
          endorsementKey: ek.handle,
          endorsementAuthorization,
          ...wrapped,
        }),
      ),
    );
  }

  /** A quote of `selection` over `nonce`. A bank that the TPM does not have is left out silently. */
  quote(ak: LoadedKey, nonce: Uint8Array, selection: PcrSelection): Promise<RawQuote> {
    return this.#send(quote(ak.handle, nonce, selection));
  }

  /**
   * A quote and the PCR values it was made of. PCRs can be extended by anybody between reading and quoting, so they are
   * read before and after, and the values that fit the quote are returned.
   *
   * @param recall asked when neither reading fits, for a caller who knows what was extended
   * @throws TpmError also `PCRS_MOVING` when no reading fitted any of 5 quotes, `QUOTE_SELECTION` when the TPM quotes
   *   other PCRs than asked for
   */
  async quoteWithPcrs(
    ak: LoadedKey,
    nonce: Uint8Array,
    selection: PcrSelection,
    recall: RecallPcrs = () => null,
  ): Promise<QuoteWithPcrs> {
    let pcrs = await this.pcrRead(selection);
    for (let made = 0; made < MAX_QUOTES; made++) {
      const answer = await this.quote(ak, nonce, selection);
      const attest = parseQuoteAttest(answer.attest);
      if (!samePcrSelection(attest.selection, selection)) {
        throw new TpmError("QUOTE_SELECTION", "the TPM quoted other PCRs than asked for");
      }
      const { hash } = parseSignature(answer.signature);
      const fits = (values: readonly PcrValue[]): boolean =>
        Buffer.compare(pcrDigest(hash, values), attest.pcrDigest) === 0;
      if (fits(pcrs)) return { ...answer, pcrs };
      pcrs = await this.pcrRead(selection);
      if (fits(pcrs)) return { ...answer, pcrs };
      const recalled = recall(fits, pcrs);
      if (recalled !== null) return { ...answer, pcrs: recalled };
    }
    throw new TpmError("PCRS_MOVING", `PCRs changed during each of ${MAX_QUOTES} quotes`);
  }

  /** Frees the slot of a loaded key. */
  flushContext(key: Pick<LoadedKey, "handle">): Promise<void> {
    return this.#send(flushContext(key.handle));
  }

  /**
   * Flushes every transient object and session. Only for a TPM without a resource manager between, such as swtpm, where
   * they outlive the client that made them; `/dev/tpmrm0` frees them itself.
   */
  async flushLeftovers(): Promise<void> {
    for (const first of [FIRST_TRANSIENT, FIRST_SESSION]) {
      const { items } = await this.#send(getHandles(first, MAX_HANDLES));
      for (const handle of items) await this.#send(flushContext(handle));
    }
  }

  /** L-* EKs may be used by whoever may use the endorsement hierarchy; the TPM ends the session with the command. */
  async #using<Result>(
    { kind }: EndorsementKey,
    use: (authorization: Authorization) => Promise<Result>,
  ): Promise<Result> {
    if (kind.authorization === "password") return use(PASSWORD);
    const session = await this.#send(startPolicySession());
    try {
      await this.#send(policySecret(session));
      return await use({ kind: "policy", session });
    } catch (error) {
      // A refused command leaves its session behind. What went wrong first is what the caller has to know.
      await this.#send(flushContext(session)).catch(() => undefined);
      throw error;
    }
  }

  async #readNv(index: number): Promise<Uint8Array> {
    const size = await this.#send(nvReadPublic(index));
    if (size > MAX_CERTIFICATE_SIZE) {
      throw new TpmError("CERTIFICATE_ENCODING", `NV index of ${size} bytes`);
    }
    const content = new Uint8Array(size);
    for (let offset = 0; offset < size; offset += NV_CHUNK) {
      const chunk = Math.min(NV_CHUNK, size - offset);
      content.set(await this.#send(nvRead(index, chunk, offset)), offset);
    }
    return content;
  }

  /** One command at a time, in the order of calls: a failed one does not hold up those behind it. */
  #send<Result>(command: TpmCommand<Result>): Promise<Result> {
    const answer = this.#last.then(() => this.#exchange(command));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #exchange<Result>(command: TpmCommand<Result>): Promise<Result> {
    for (let sent = 1; ; sent++) {
      try {
        return command.decode(await this.#transport.transceive(command.bytes));
      } catch (error) {
        const code = error instanceof TpmError ? error.responseCode : undefined;
        if (code === undefined || !TRY_AGAIN.has(code) || sent === MAX_SENDS) throw error;
        await this.#pause(RESEND_DELAY_MS);
      }
    }
  }
}
