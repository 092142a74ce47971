// SPDX-License-Identifier: Apache-2.0

/**
 * Immutable map whose next version costs what changes, not what it holds: a version is a stack of layers, newer ones
 * hide older ones, and layers of similar size are merged (as in a log-structured merge tree), so a lookup visits
 * O(log n) of them. Older versions stay usable. A value cannot be removed.
 */
export class LayeredMap<K, V extends NonNullable<unknown>> {
  /** Oldest first, each more than twice as large as the next. Never changed once it is here. */
  readonly #layers: readonly ReadonlyMap<K, V>[];

  constructor(layers: readonly ReadonlyMap<K, V>[] = []) {
    this.#layers = layers;
  }

  get(key: K): V | undefined {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const value = this.#layers[i]?.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  /** Starts the next version. */
  draft(): MapDraft<K, V> {
    return new MapDraft(this);
  }

  /** This map with `changes` on top; takes `changes` over. */
  with(changes: ReadonlyMap<K, V>): LayeredMap<K, V> {
    if (changes.size === 0) return this;
    const layers = [...this.#layers];
    let top = changes;
    for (let below = layers.at(-1); below && below.size <= 2 * top.size; below = layers.at(-1)) {
      top = new Map([...below, ...top]);
      layers.pop();
    }
    return new LayeredMap([...layers, top]);
  }
}

/** The next version of a {@link LayeredMap} while it is made; the map it came from does not change. */
export class MapDraft<K, V extends NonNullable<unknown>> {
  readonly #base: LayeredMap<K, V>;
  readonly #changes = new Map<K, V>();

  constructor(base: LayeredMap<K, V>) {
    this.#base = base;
  }

  get(key: K): V | undefined {
    return this.#changes.get(key) ?? this.#base.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    this.#changes.set(key, value);
  }

  /** Ends the draft: it must not be written to any more. */
  seal(): LayeredMap<K, V> {
    return this.#base.with(this.#changes);
  }
}
