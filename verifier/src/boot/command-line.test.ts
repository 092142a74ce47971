// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { measuresImaPolicy } from "./command-line.ts";

it.each<[string, string, boolean]>([
  ["the policy and nothing of IMA's", "console=ttyS0 ima_policy=tcb quiet", true],
  ["several policies", "ima_policy=appraise_tcb|tcb", true],
  ["a policy beside another", "ima_policy=critical_data ima_policy=tcb", true],
  ["appraisal", "ima_policy=tcb ima_appraise=log ima_appraise_tcb", true],
  ["security modules with BPF", "lsm=lockdown,apparmor,bpf ima_policy=tcb", true],
  ["the name with a hyphen", "ima-policy=tcb", true],
  ["quotes", 'root="LABEL=a b" ima_policy="critical_data tcb"', true],
  ["nothing", "", false],
  ["no policy", "console=ttyS0", false],
  ["another policy", "ima_policy=secure_boot", false],
  ["a longer name", "ima_policy=tcbx", false],
  ["the older word, which does not measure policies", "ima_tcb ima_policy=tcb", false],
  ["another template", "ima_policy=tcb ima_template=ima", false],
  ["another format", "ima_policy=tcb ima_template_fmt=d", false],
  ["another hash", "ima_policy=tcb ima_hash=sha1", false],
  ["another hash with a hyphen", "ima_policy=tcb ima-hash=sha1", false],
  ["IMA off", "ima_policy=tcb ima=off", false],
  ["security modules without BPF", "ima_policy=tcb lsm=apparmor", false],
  ["words for init", "quiet -- ima_policy=tcb", false],
  ["words within another one", 'x="ima_policy=tcb"', false],
  ["a quote that does not end", 'x="y ima_policy=tcb', false],
])("a line with %s", (_, line, expected) => {
  expect(measuresImaPolicy(line)).toBe(expected);
});
