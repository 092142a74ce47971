// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { VerifierError } from "./error.ts";

const GOOD = {
  listen: { host: "127.0.0.1", port: 8443 },
  database: "verifier.db",
  tls: { ca: "/etc/nsattest/ca.pem", certificate: "cert.pem", key: "key.pem" },
  registrar: { url: "https://127.0.0.1:8444" },
  policies: "policies",
  intervalSeconds: 10,
  validSeconds: 60,
  pendingSeconds: 120,
};

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "/etc/nsattest");
  } catch (error) {
    if (error instanceof VerifierError && error.code === "CONFIG_INVALID") return error.problems;
    throw error;
  }
  return [];
}

describe("parseConfig", () => {
  it("resolves paths against the folder of the file", () => {
    const config = parseConfig(JSON.stringify(GOOD), "/srv/verifier");
    expect(config).toMatchObject({
      database: "/srv/verifier/verifier.db",
      policies: "/srv/verifier/policies",
      tls: { ca: "/etc/nsattest/ca.pem", certificate: "/srv/verifier/cert.pem" },
      validSeconds: 60,
    });
  });

  it("reports every problem at once", () => {
    const { registrar: _, ...rest } = GOOD;
    const text = JSON.stringify({
      ...rest,
      listen: { host: "", port: 70_000, tls: 1 },
      database: 7,
      extra: true,
    });
    expect(problemsOf(text)).toEqual([
      "registrar must be an object",
      "listen.host must be a text that is not empty",
      "listen.port must be an integer from 0 to 65535",
      "database must be a text that is not empty",
      "registrar.url must be the https URL of a host",
      "extra is unknown",
      "listen.tls is unknown",
    ]);
  });

  it.each([
    [
      "http is no way to the registrar",
      { registrar: { url: "http://127.0.0.1" } },
      "registrar.url must be the https URL of a host",
    ],
    [
      "a fraction of a second",
      { intervalSeconds: 1.5 },
      "intervalSeconds must be an integer from 1 to 86400",
    ],
    ["zero", { pendingSeconds: 0 }, "pendingSeconds must be an integer from 1 to 86400"],
    [
      "a number in a text",
      { validSeconds: "60" },
      "validSeconds must be an integer from 1 to 86400",
    ],
    [
      "verdicts that lapse between two rounds",
      { validSeconds: 10 },
      "validSeconds must be more than intervalSeconds",
    ],
    ["a list for an object", { tls: [] }, "tls must be an object"],
  ])("refuses %s", (_, change, problem) => {
    expect(problemsOf(JSON.stringify({ ...GOOD, ...change }))).toContain(problem);
  });

  it.each(["", "{", "null", "[]", '"text"'])("refuses %j", (text) => {
    expect(problemsOf(text)).not.toEqual([]);
  });
});
