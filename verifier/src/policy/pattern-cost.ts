// SPDX-License-Identifier: Apache-2.0

// An escape, a class, a count, a parenthesis, or any other character. A count behind a letter of a class is none.
const TOKEN = /\\[pPx]\{[^}]*\}|\\[pP].|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(,?)(\d*)\}|./gsu;
const UNICODE_CLASS = /\\[pP]/g;
/** What a class of Unicode letters costs, which has hundreds of ranges. */
const UNICODE_CLASS_COST = 100;

/**
 * About how many instructions and ranges a pattern has when its counts are written out, never far too few. Tells before
 * it is compiled whether that would take long: `(?:(?:ab){30}){30}` is short, and what it stands for is not.
 *
 * Of what is no pattern it says something, too.
 */
export function patternCost(source: string): number {
  const outer: number[] = [];
  let cost = 0;
  let last = 0;
  for (const [token, least, comma, most] of source.matchAll(TOKEN)) {
    if (token === "(") {
      outer.push(cost);
      cost = 0;
    } else if (token === ")") {
      last = cost;
      cost += outer.pop() ?? 0;
    } else if (least !== undefined) {
      // `{2,}` is `{2}` and a loop.
      const times = most ? Number(most) : Number(least) + Number(comma === ",");
      cost += last * (times - 1);
      last *= times;
    } else {
      const classes = token.match(UNICODE_CLASS)?.length ?? 0;
      last = 1 + token.length + classes * UNICODE_CLASS_COST;
      cost += last;
    }
  }
  return outer.reduce((total, part) => total + part, cost);
}
