// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { Exclusive } from "./exclusive.ts";

it("runs one after the other, in the order they were given, also after a failure", async () => {
  const exclusive = new Exclusive();
  const steps: string[] = [];
  const work = (name: string, fails: boolean) => async (): Promise<string> => {
    steps.push(`${name} begins`);
    await new Promise(setImmediate);
    steps.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const results = await Promise.allSettled([
    exclusive.run(work("a", false)),
    exclusive.run(work("b", true)),
    exclusive.run(work("c", false)),
  ]);
  expect(steps).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  expect(results).toEqual([
    { status: "fulfilled", value: "a" },
    { status: "rejected", reason: new Error("b") },
    { status: "fulfilled", value: "c" },
  ]);
});

it("passes on what is thrown before there is a promise", async () => {
  const exclusive = new Exclusive();
  const work = (): Promise<void> => {
    throw new Error("at once");
  };
  await expect(exclusive.run(work)).rejects.toThrow("at once");
});
