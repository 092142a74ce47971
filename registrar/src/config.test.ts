// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { RegistrarError } from "./error.ts";

const VALID = {
  listen: { host: "127.0.0.1", port: 8443 },
  database: "/var/lib/nsattest/registrar.db",
  caDir: "ca",
  ekRoots: "../roots",
  ekIntermediates: "/etc/intermediates",
};

function problems(text: string): readonly string[] {
  try {
    parseConfig(text, "/etc/nsattest");
  } catch (error) {
    if (error instanceof RegistrarError && error.code === "CONFIG_INVALID") return error.problems;
    throw error;
  }
  return [];
}

describe("the configuration", () => {
  it("is read, relative paths from its own folder", () => {
    expect(parseConfig(JSON.stringify(VALID), "/etc/nsattest")).toEqual({
      ...VALID,
      caDir: "/etc/nsattest/ca",
      ekRoots: "/etc/roots",
    });
  });

  it("may leave the intermediates out", () => {
    const { ekIntermediates: _, ...rest } = VALID;
    expect(parseConfig(JSON.stringify(rest), "/").ekIntermediates).toBeNull();
  });

  it("reports every problem at once", () => {
    const text = JSON.stringify({
      listen: { host: "", port: 65536, tls: false },
      database: 1,
      ekRoots: "a\0b",
      ekIntermediates: null,
      debug: true,
    });
    expect(problems(text)).toEqual([
      'the file has no setting "debug"',
      'listen has no setting "tls"',
      "listen.host must be a text that is not empty",
      "listen.port must be a port number",
      "database must be a text that is not empty",
      "caDir must be a text that is not empty",
      "ekRoots must be a text that is not empty",
      "ekIntermediates must be a text that is not empty",
    ]);
  });

  it.each(["", "{", "[]", "null", "1", '"text"'])("refuses %j", (text) => {
    expect(problems(text).length).toBeGreaterThan(0);
  });

  it.each([-1, 1.5, "80", null])("refuses port %j", (port) => {
    expect(problems(JSON.stringify({ ...VALID, listen: { host: "::", port } }))).toEqual([
      "listen.port must be a port number",
    ]);
  });
});
