// SPDX-License-Identifier: Apache-2.0

import type { Explanation, Finding, NearMatch } from "@nsattest/protocol";

const VERSION_SHOWN = 12;
/** Digests of one path that are printed; JSON has all. */
const EXPECTED_SHOWN = 5;
const LINE_MAX = 100;
const INDENT = "     ";
const LABEL_WIDTH = 12;

/** An explanation as lines for a terminal. What it shows of paths was made printable by the verifier. */
export function renderExplanation(explanation: Explanation): string {
  const { node, namespace, name, image, policy, verdict, findings, limits, owners } = explanation;
  const called = name === namespace ? "" : ` (${name})`;
  const { own, host, namespaces, unowned, gap, pending } = owners;
  const all = host + namespaces + unowned + gap + pending;
  return `${[
    `${namespace}${called} on node ${node} is ${verdict.tier}, valid until ${verdict.validUntil}`,
    ...(image === null ? [] : [`  image     ${image}`]),
    `  policies  ${policy.slice(0, VERSION_SHOWN)}`,
    `  list      ${own} of ${all} entries are its own; ${host} are the host's, ${namespaces} of containers, ${unowned} nobody's, ${gap} lost, ${pending} pending`,
    ...(findings.length === 0 ? ["", "Nothing speaks against it."] : []),
    ...findings.flatMap((finding, index) => ["", ...findingLines(finding, index + 1, namespace)]),
    ...(limits.length === 0 ? [] : ["", "What the verdict does not cover:"]),
    ...limits.flatMap(({ code, meaning, next }) => [
      `  ${code}`,
      ...wrapped(meaning, INDENT),
      ...field("next", next),
    ]),
  ].join("\n")}\n`;
}

function findingLines(finding: Finding, number: number, namespace: string): string[] {
  const { reason, meaning, next, since, seen, expected, others } = finding;
  const isFile = reason.path !== undefined;
  return [
    `${number}. ${reason.code}${isFile ? ` ${reason.path}` : ""}`,
    ...wrapped(meaning, INDENT),
    ...(reason.digest === undefined ? [] : field("digest", reason.digest)),
    ...(expected?.length === 0 ? [] : field("detail", reason.detail)),
    ...(seen.length === 0 ? [] : field("seen as", seenText(seen))),
    ...(since === null
      ? []
      : field(
          "since",
          `the evidence of ${since.received}, judged by the policies ${since.policy.slice(0, VERSION_SHOWN)}`,
        )),
    ...(expected === null ? [] : field("expected", expectedText(expected))),
    ...nearLines(finding),
    ...(others.length === 0 ? [] : field("also ran in", others.join(", "))),
    ...field("next", next),
    ...(isAllowedNow(finding) ? field("", staysText(namespace)) : []),
  ];
}

function seenText(seen: readonly string[]): string {
  return seen
    .map((how) => (how === "list" ? "an entry of the host's measurement list" : how))
    .join(", ");
}

function expectedText(expected: readonly string[]): string {
  if (expected.length === 0) return "the policy does not list this path";
  const more = expected.length - EXPECTED_SHOWN;
  return [...expected.slice(0, EXPECTED_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join(
    ", or ",
  );
}

function nearLines({ reason, expected, near }: Finding): string[] {
  if (reason.path === undefined || expected === null) return [];
  if (near.length === 0) {
    return field(
      "nearest",
      expected.length === 0
        ? "no policy lists this content, under any path"
        : "the same path with other content; no policy lists this content",
    );
  }
  return near.flatMap((match) => field("nearest", nearText(match)));
}

function nearText({ where, owner, path }: NearMatch): string {
  if (where === "this-policy") return `the same content is listed here as ${path}`;
  const whose =
    owner === "host" ? "the host" : `the image ${owner.slice(0, "sha256:".length + VERSION_SHOWN)}`;
  return `the same content is listed for ${whose}, as ${path}`;
}

function isAllowedNow({ reason, expected }: Finding): boolean {
  return reason.digest !== undefined && expected?.includes(reason.digest) === true;
}

function staysText(namespace: string): string {
  const end = namespace === "host" ? "the next boot" : "the container is started again";
  return `The policies in force now list it. What was found stays until ${end}.`;
}

/** A text beside its label. */
function field(label: string, text: string): string[] {
  const [first = "", ...rest] = wrapped(text, "");
  const below = INDENT + " ".repeat(LABEL_WIDTH);
  return [INDENT + label.padEnd(LABEL_WIDTH) + first, ...rest.map((line) => below + line)];
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < LINE_MAX) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.map((line) => indent + line);
}
