// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAttesterConfig } from "./config.ts";

const CONFIG = {
  registrar: "https://registrar.example:8890",
  verifier: "https://10.0.2.2:8891",
  caFile: "/etc/nsattest/ca.crt",
  stateFolder: "/var/lib/nsattest/agent",
  monitorSocket: "/run/nsattest/monitor.sock",
  joinTokenFile: "/etc/nsattest/join-token",
};

function problemsOf(document: unknown): string {
  try {
    parseAttesterConfig(JSON.stringify(document));
    return "none";
  } catch (error) {
    expect(error).toMatchObject({ name: "AttesterError", code: "ATTESTER_CONFIG" });
    return error instanceof Error ? error.message : "";
  }
}

it("reads all settings", () => {
  expect(parseAttesterConfig(JSON.stringify(CONFIG))).toEqual(CONFIG);
});

it("needs no token", () => {
  const { joinTokenFile: _, ...rest } = CONFIG;
  expect(parseAttesterConfig(JSON.stringify(rest))).toEqual({ ...rest, joinTokenFile: null });
});

describe("a configuration", () => {
  it("has every problem named at once", () => {
    const { caFile: _, ...rest } = CONFIG;
    expect(problemsOf({ ...rest, registrar: "http://x", verifier: 7, extra: 1 })).toBe(
      [
        "extra is unknown",
        "registrar must be an https URL",
        "verifier must be a text that is not empty",
        "caFile must be a text that is not empty",
      ].join("; "),
    );
  });

  it.each([
    ["empty", ""],
    ["of no scheme", "registrar:8890/x y"],
    ["a file", "file:///etc/passwd"],
  ])("has no service whose URL is %s", (_, registrar) => {
    expect(problemsOf({ ...CONFIG, registrar })).toMatch(/^registrar must be/);
  });

  it.each([["{"], [""], ["null"], ["[]"], ['"text"'], ["7"]])("is not %s", (text) => {
    expect(() => parseAttesterConfig(text)).toThrow(
      expect.objectContaining({ code: "ATTESTER_CONFIG" }),
    );
  });

  it("is refused with its own error whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.string())), (document) => {
        expect(problemsOf(document)).not.toBe("none");
      }),
    );
  });

  it("has no setting by the name of a property that every object has", () => {
    expect(() =>
      parseAttesterConfig(`{"__proto__":{"registrar":"https://x"},"constructor":1}`),
    ).toThrow(/__proto__ is unknown; constructor is unknown; registrar must be/);
  });
});
