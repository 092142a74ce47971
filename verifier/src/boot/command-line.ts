// SPDX-License-Identifier: Apache-2.0

/** Words of IMA's that change nothing of what is measured, and how. */
const HARMLESS = /^ima_appraise(?:_tcb)?$/;

/**
 * True when a kernel that was started with `line` measures every policy that is loaded by its path, and puts its
 * measurements into the list as this project reads them: `ima_policy=tcb` with `POLICY_CHECK` from the start
 * (`default_measurement_rules` in `ima_policy.c`), nothing else of IMA's but appraisal, and BPF among the security modules.
 *
 * The kernel takes `-` for `_` in names, quotes hold words together, and what stands behind `--` is for `init`.
 */
export function measuresImaPolicy(line: string): boolean {
  const words = Array.from(line.matchAll(/(?:[^ "]|"[^"]*"?)+/g), ([word]) =>
    word.replaceAll('"', ""),
  );
  const end = words.indexOf("--");
  const own = end === -1 ? words : words.filter((_, index) => index < end);
  let measures = false;
  for (const word of own) {
    const key = word.replace(/=.*/s, "").replaceAll("-", "_");
    const value = word.substring(key.length + 1);
    if (key === "lsm" && !value.split(",").includes("bpf")) return false;
    if (key === "ima_policy") measures ||= value.split(/[|\s]/).includes("tcb");
    else if (key.startsWith("ima") && !HARMLESS.test(key)) return false;
  }
  return measures;
}
