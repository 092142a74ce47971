// SPDX-License-Identifier: Apache-2.0

/**
 * One object of a JSON document that a person wrote. Reads fields and collects what is wrong with them; a field that
 * was never read is wrong as well. A wrong field reads as an empty value, so that reading can go on to the next
 * problem: whoever reads must look at `problems` before using anything.
 */
export class JsonSection {
  readonly #fields: Map<string, unknown>;
  readonly #at: string;
  readonly #problems: string[];

  /** @param at where this object stands, for the problems; empty for the document itself */
  constructor(value: unknown, at: string, problems: string[]) {
    this.#at = at;
    this.#problems = problems;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) problems.push(`${at === "" ? "the document" : at} must be an object`);
    this.#fields = new Map(isObject ? Object.entries(value) : []);
  }

  /** Reads a document; text that is no JSON is one problem. */
  static parse(text: string, at: string, problems: string[]): JsonSection {
    try {
      return new JsonSection(JSON.parse(text), at, problems);
    } catch {
      problems.push(`${at === "" ? "the document" : at} must be JSON`);
      return new JsonSection({}, at, []);
    }
  }

  section(key: string): JsonSection {
    return new JsonSection(this.#take(key), this.#name(key), this.#problems);
  }

  sections(key: string): readonly JsonSection[] {
    return this.#list(key).map(
      (item, index) => new JsonSection(item, `${this.#name(key)}[${index}]`, this.#problems),
    );
  }

  /** As {@link sections}; none where the field is missing. */
  optionalSections(key: string): readonly JsonSection[] {
    return this.#fields.has(key) ? this.sections(key) : [];
  }

  /** A text that is not empty and, if there is a `form`, of that form. */
  text(key: string, form?: RegExp, description = "a text that is not empty"): string {
    return this.#checkText(this.#take(key), this.#name(key), form, description);
  }

  texts(key: string, form: RegExp, description: string): readonly string[] {
    return this.#list(key).map((item, index) =>
      this.#checkText(item, `${this.#name(key)}[${index}]`, form, description),
    );
  }

  /** As {@link texts}, where a single one may stand without an array; none where the field is missing. */
  optionalTexts(key: string, form: RegExp, description: string): readonly string[] {
    const value = this.#fields.get(key);
    if (value === undefined) return [];
    return typeof value === "string"
      ? [this.text(key, form, description)]
      : this.texts(key, form, description);
  }

  /** True or false; false where the field is missing. */
  flag(key: string): boolean {
    const value = this.#take(key) ?? false;
    if (typeof value !== "boolean") this.refuse(key, "must be true or false");
    return value === true;
  }

  /** One of `choices`, or `otherwise` where the field is missing. */
  choice<T extends string>(key: string, choices: readonly T[], otherwise: T): T {
    if (!this.#fields.has(key)) return otherwise;
    const value = this.#take(key);
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.refuse(key, `must be one of ${choices.join(", ")}`);
    return chosen ?? otherwise;
  }

  /** True when the field is there, whatever it holds. */
  has(key: string): boolean {
    return this.#fields.has(key);
  }

  integers(key: string, least: number, most: number): readonly number[] {
    return this.#list(key).map((item, index) =>
      this.#checkInteger(item, `${this.#name(key)}[${index}]`, least, most),
    );
  }

  integer(key: string, least: number, most: number): number {
    return this.#checkInteger(this.#take(key), this.#name(key), least, most);
  }

  /** Adds a problem that only the reader of the field can see. */
  refuse(key: string, problem: string): void {
    this.#problems.push(`${this.#name(key)} ${problem}`);
  }

  refuseUnread(): void {
    for (const key of this.#fields.keys()) this.#problems.push(`${this.#name(key)} is unknown`);
  }

  #list(key: string): readonly unknown[] {
    const value = this.#take(key);
    if (Array.isArray(value)) return value;
    this.#problems.push(`${this.#name(key)} must be an array`);
    return [];
  }

  #checkInteger(value: unknown, at: string, least: number, most: number): number {
    if (Number.isInteger(value) && least <= Number(value) && Number(value) <= most) {
      return Number(value);
    }
    this.#problems.push(`${at} must be an integer from ${least} to ${most}`);
    return least;
  }

  #checkText(value: unknown, at: string, form: RegExp | undefined, description: string): string {
    if (typeof value === "string" && value !== "" && (!form || form.test(value))) return value;
    this.#problems.push(`${at} must be ${description}`);
    return "";
  }

  #take(key: string): unknown {
    const value = this.#fields.get(key);
    this.#fields.delete(key);
    return value;
  }

  #name(key: string): string {
    return this.#at === "" ? key : `${this.#at}.${key}`;
  }
}
