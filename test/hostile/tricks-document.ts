// SPDX-License-Identifier: Apache-2.0
import type { Reason } from "@nsattest/protocol";
import type { Trick } from "./trick.ts";
import { TRICKS } from "./tricks.ts";

const BEGIN =
  "<!-- Made from test/hostile/table/; renew it with `npx vitest run test/repo/tricks.test.ts -u`. -->";
const END = "<!-- End of what is made. -->";

/**
 * `document` with the table of tricks as it has to be now.
 *
 * @throws Error when it has no place for it
 */
export function withTricks(document: string): string {
  const start = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (start === -1 || end < start) throw new Error("there is no place for the tricks");
  return `${document.slice(0, start)}${BEGIN}\n\n${table()}\n\n${document.slice(end)}`;
}

function table(): string {
  const unseen = TRICKS.filter(({ expected }) => expected.kind === "unseen");
  const nothing = TRICKS.filter(({ expected }) => expected.kind === "nothing");
  const count =
    `${TRICKS.length} tricks: ${TRICKS.length - unseen.length - nothing.length} should be seen, ` +
    `${nothing.length} come to nothing, ${unseen.length} are known not to be seen.`;
  const rows = [["trick", "who", "what is done", "what should come of it"], ...TRICKS.map(cellsOf)];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[], fill: string): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, fill)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [
    count,
    "",
    lineOf(head, " "),
    lineOf([], "-"),
    ...body.map((row) => lineOf(row, " ")),
  ].join("\n");
}

function cellsOf(trick: Trick): readonly string[] {
  const cells = [`\`${trick.id}\``, whoOf(trick), trick.idea, outcomeOf(trick)];
  return cells.map((cell) => cell.replaceAll("|", "\\|"));
}

function whoOf({ who, device, shares = [], kernels }: Trick): string {
  const devices = device === undefined ? "" : `, with the device ${device.join(":")}`;
  const shared = shares.length > 0 ? `, with the host's ${shares.join(" and ")} namespace` : "";
  return `${who ?? "anybody"}${shared}${devices}${kernels === undefined ? "" : `, ${kernels.join(" and ")} only`}`;
}

function outcomeOf({ expected }: Trick): string {
  switch (expected.kind) {
    case "reasons":
      return [...new Set(expected.reasons.map(textOf))].join(", ");
    case "limit":
      return `limit \`${expected.limit}\``;
    case "nothing":
      return `nothing: ${expected.because}`;
    case "unseen":
      return `**not seen**: ${expected.because}`;
  }
}

function textOf({ code, detail }: Partial<Reason>): string {
  return detail === undefined ? `\`${code}\`` : `\`${code}\` (${detail})`;
}
