// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { VERSION } from "../../agent/src/version.ts";
import { read, WORKSPACES } from "./source-tree.ts";

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly version: string;
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly resolved?: string }>
  >;
}

const root = JSON.parse(read("package.json")) as Manifest;
const lock = JSON.parse(read("package-lock.json")) as Lock;
const OWN = "@nsattest/";

describe("one version", () => {
  it("is that of every workspace", () => {
    const versions = Object.fromEntries(WORKSPACES.map(({ name, version }) => [name, version]));
    const expected = Object.fromEntries(WORKSPACES.map(({ name }) => [name, root.version]));
    expect(versions).toEqual(expected);
  });

  it("is what the node's programs write into the log", () => {
    expect(VERSION).toBe(root.version);
  });

  it("is what the workspaces want of each other", () => {
    const wanted = WORKSPACES.flatMap(({ dependencies }) =>
      Object.entries(dependencies).filter(([name]) => name.startsWith(OWN)),
    );
    expect(wanted.filter(([, version]) => version !== root.version)).toEqual([]);
    expect(wanted.length).toBeGreaterThan(0);
  });

  it("is in the lock", () => {
    const locked = ["", ...WORKSPACES.map(({ folder }) => folder)];
    expect(locked.map((folder) => lock.packages[folder]?.version)).toEqual(
      locked.map(() => root.version),
    );
  });
});

describe("dependencies", () => {
  it("are pinned exactly", () => {
    const all = [root.dependencies, root.devDependencies, ...WORKSPACES.map((w) => w.dependencies)];
    const ranges = all
      .flatMap((dependencies) => Object.entries(dependencies ?? {}))
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    expect(ranges).toEqual([]);
  });

  it("are locked without saying where they were fetched", () => {
    const hosts = Object.entries(lock.packages).filter(([, { resolved }]) =>
      resolved?.includes(":"),
    );
    expect(hosts).toEqual([]);
    expect(read("package-lock.json")).not.toMatch(/"resolved": "[a-z+]+:/);
  });
});
