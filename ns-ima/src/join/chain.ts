// SPDX-License-Identifier: Apache-2.0

/** Immutable list that grows at its end for the price of one link: versions share what they have in common. */
export type Chain<T> = { readonly last: T; readonly before: Chain<T> } | null;

/** The items from first to last. */
export function chainItems<T>(chain: Chain<T>): readonly T[] {
  const items: T[] = [];
  for (let link = chain; link; link = link.before) items.push(link.last);
  return items.reverse();
}
