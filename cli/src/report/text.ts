// SPDX-License-Identifier: Apache-2.0

import type { NamespaceReport, NodeReport, Reason, Verdict } from "@nsattest/protocol";
import { tableOf } from "./table.ts";

/** Digits of a policy's version that are enough to tell it from others. */
const POLICY_SHOWN = 12;

/** A node's report as lines for a terminal. What it shows of paths and names was made printable by the verifier. */
export function renderReport(report: NodeReport): string {
  const { node, namespaces, hostList } = report;
  const { quote } = node;
  const lines = [
    `node ${node.id}`,
    ...conditionLines(node),
    `  TPM    EK certificate ${node.tpm.ekVerified ? "verified" : "NOT verified"}, quote ${
      quote.verified ? "verified" : "NOT verified"
    } (${quote.bank}: ${quote.pcrs.join(", ")})`,
    `  list   ${hostList.entries} entries: ${hostList.host} of the host, ${hostList.namespaces} of containers, ${hostList.pending} pending`,
    ...verdictLines("  host   ", node.host),
    ...violationLines("         ", node.violations),
    "",
    ...table(
      ["NAMESPACE", "IMAGE", "STATE", "DECLARED", "FILES", "VERDICT"],
      namespaces.map(row),
      namespaces,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function row(namespace: NamespaceReport): string[] {
  return [
    namespace.id,
    namespace.image?.slice(0, "sha256:".length + 12) ?? "-",
    namespace.state,
    namespace.declared ? "yes" : "no",
    String(namespace.entries.length),
    namespace.verdict.tier,
  ];
}

function table(
  head: readonly string[],
  rows: readonly string[][],
  namespaces: readonly NamespaceReport[],
): string[] {
  const [first = "", ...lines] = tableOf(head, rows);
  return [
    first,
    ...lines.flatMap((line, index) => [
      line,
      ...details("    ", namespaces[index]?.verdict),
      ...violationLines("    ", namespaces[index]?.violations),
    ]),
  ];
}

/** How the node stands: nothing where the verifier is too old to say it. */
function conditionLines({ condition, lastContact, policy }: NodeReport["node"]): string[] {
  if (condition === undefined) return [];
  const parts = [
    condition,
    ...(lastContact === undefined ? [] : [`last contact ${lastContact}`]),
    ...(policy ? [`policy ${policy.slice(0, POLICY_SHOWN)}`] : []),
  ];
  return [`  state  ${parts.join(", ")}`];
}

function violationLines(indent: string, violations: number | undefined): string[] {
  return violations ? [`${indent}violations: ${violations}`] : [];
}

function verdictLines(label: string, verdict: Verdict): string[] {
  return [
    `${label}${verdict.tier}, valid until ${verdict.validUntil}`,
    ...details("         ", verdict),
  ];
}

function details(indent: string, verdict: Verdict | undefined): string[] {
  if (verdict === undefined) return [];
  const limits =
    verdict.limits.length === 0 ? [] : [`${indent}limits: ${verdict.limits.join(", ")}`];
  return [...verdict.reasons.map((reason) => `${indent}${describeReason(reason)}`), ...limits];
}

/** A reason in one line. */
export function describeReason({ code, path, digest, detail }: Reason): string {
  return [code, path, digest, `(${detail})`].filter((part) => part !== undefined).join(" ");
}
