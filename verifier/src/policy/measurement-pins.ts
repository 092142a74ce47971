// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_LIST_PINS, isListTemplate, type ListPins, listPins } from "@nsattest/ns-ima";
import { HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { LOG_PCR } from "../quote/check-quote.ts";
import type { JsonSection } from "../strict-json.ts";

const BANKS = Object.keys(HASH_ALGORITHMS) as HashName[];
const TEMPLATE_FORM = /^[a-z0-9|-]{1,256}$/;
/** PCRs above it can be reset while the host runs. */
const LAST_PCR = 15;

/**
 * Reads the member `measurement` of a node policy: how the hosts that it is for measure. What is missing is as Debian's
 * kernels do it.
 *
 * Adds to `problems` what is wrong; then what is returned means nothing.
 */
export function readMeasurementPins(root: JsonSection, problems: string[]): ListPins {
  if (!root.has("measurement")) return DEFAULT_LIST_PINS;
  const section = root.section("measurement");
  const { bank, pcrs, templates } = DEFAULT_LIST_PINS;
  const read = {
    bank: section.choice("bank", BANKS, bank),
    pcrs: section.has("pcrs") ? section.integers("pcrs", 0, LAST_PCR) : pcrs,
    templates: section.has("templates")
      ? section.texts("templates", TEMPLATE_FORM, "the name or the format of a template")
      : templates.map(({ name }) => name),
    paddedSha1: section.flag("paddedSha1"),
  };
  section.refuseUnread();
  const found = problems.length;
  const at = "node-policy.json.measurement";
  if (read.pcrs.length === 0) problems.push(`${at}.pcrs must name one PCR at least`);
  if (read.pcrs.includes(LOG_PCR)) {
    problems.push(`${at}.pcrs must not name PCR ${LOG_PCR}, which is that of the log`);
  }
  if (read.templates.length === 0) problems.push(`${at}.templates must name one at least`);
  for (const name of read.templates) {
    if (name !== "" && !isListTemplate(name)) {
      problems.push(`${at}.templates: "${name}" has not one digest and one path`);
    }
  }
  return problems.length > found || read.templates.includes("")
    ? DEFAULT_LIST_PINS
    : listPins(read);
}
