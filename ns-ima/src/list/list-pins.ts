// SPDX-License-Identifier: Apache-2.0

import type { HashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { IMA_PCR } from "./entry.ts";
import { compileTemplate, type Template } from "./template.ts";

/** What a verifier wants of a host list. Nothing that a node sends has a say in it. */
export interface ListPinsInput {
  /** The bank that is quoted and replayed. */
  readonly bank: HashName;
  /** The PCRs that the IMA policy of the host extends: one, or several with `pcr=` rules. */
  readonly pcrs: readonly number[];
  /** Template names, or formats as in `ima_template_fmt=`. */
  readonly templates: readonly string[];
  /**
   * The bank may have been extended with padded SHA-1 digests, as kernels do that cannot compute the bank's hash when
   * IMA starts (stock Debian 12 for SHA-384, all before 5.8). It is worth no more than SHA-1 then.
   */
  readonly paddedSha1: boolean;
}

export interface ListPins extends Omit<ListPinsInput, "templates"> {
  readonly templates: readonly Template[];
  /** Equal for pins that ask for the same. */
  readonly id: string;
}

/** True for what {@link listPins} takes as a template. */
export function isListTemplate(name: string): boolean {
  return compileTemplate(name) !== null;
}

/** @throws NsImaError `LIST_TEMPLATE_UNSUPPORTED` when there is no template, or one is none; `LIST_PCR_UNSUPPORTED` for no PCR */
export function listPins({ bank, pcrs, templates, paddedSha1 }: ListPinsInput): ListPins {
  if (pcrs.length === 0) throw new NsImaError("LIST_PCR_UNSUPPORTED", "no PCR is pinned");
  if (templates.length === 0) {
    throw new NsImaError("LIST_TEMPLATE_UNSUPPORTED", "no template is pinned");
  }
  const names = [...new Set(templates)].sort();
  const indices = [...new Set(pcrs)].sort((a, b) => a - b);
  return {
    bank,
    pcrs: indices,
    templates: names.map((name) => {
      const template = compileTemplate(name);
      if (template) return template;
      throw new NsImaError("LIST_TEMPLATE_UNSUPPORTED", `"${name}" is no template`);
    }),
    paddedSha1,
    id: JSON.stringify([bank, indices, names, paddedSha1]),
  };
}

/** What is pinned when nothing else is said: what Debian's kernels do by themselves. */
export const DEFAULT_LIST_PINS: ListPins = listPins({
  bank: "sha256",
  pcrs: [IMA_PCR],
  templates: ["ima-ng", "ima-sig", "ima-buf"],
  paddedSha1: false,
});
