// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  type EnrolChallenge,
  type EnrolFinish,
  type EnrolStart,
  enrolmentProof,
} from "@nsattest/protocol";
import { type FakeTpm, makeRsaKey } from "./fake-tpm.ts";

/** The node's side of an enrolment, step by step, so that a test can spoil any of them. */
export class FakeNode {
  readonly tpm: FakeTpm;
  readonly tlsKey: KeyObject;
  readonly #nodeId: string;
  readonly #ekCertificate: Uint8Array;

  constructor(
    nodeId: string,
    tpm: FakeTpm,
    ekCertificate: Uint8Array,
    tlsKey: KeyObject = makeRsaKey(),
  ) {
    this.tlsKey = tlsKey;
    this.#nodeId = nodeId;
    this.tpm = tpm;
    this.#ekCertificate = ekCertificate;
  }

  get spki(): Uint8Array {
    return createPublicKey(this.tlsKey).export({ type: "spki", format: "der" });
  }

  start(): EnrolStart {
    return {
      nodeId: this.#nodeId,
      ekPublic: this.tpm.ekPublic,
      ekCertificate: this.#ekCertificate,
      ekChain: new Uint8Array(0),
      akPublic: this.tpm.akPublic,
      tlsKey: this.spki,
      joinToken: null,
      previousCertificate: null,
    };
  }

  finish(challenge: EnrolChallenge): EnrolFinish {
    const { enrolmentId } = challenge;
    return {
      enrolmentId,
      proof: enrolmentProof(this.tpm.activate(challenge), this.spki),
      possession: sign("sha256", Buffer.from(enrolmentId), this.tlsKey),
    };
  }
}
