// SPDX-License-Identifier: Apache-2.0

/** A column's widest cell, less for what is wider: it moves only the rest of its own line. */
const CELL_MAX = 40;

/** Lines of a table: a head, then the rows, each column as wide as it has to be. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => {
    const cells = rows.map((row) => row[column]?.length ?? 0);
    return Math.min(
      CELL_MAX,
      cells.reduce((most, length) => Math.max(most, length), title.length),
    );
  });
  return [head, ...rows].map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
