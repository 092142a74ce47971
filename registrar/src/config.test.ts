// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { RegistrarError } from "./error.ts";

const VALID = {
  listen: { host: "127.0.0.1", port: 8443 },
  database: "/var/lib/nsattest/registrar.db",
  caDir: "ca",
  enrolment: {
    ekCertificate: { roots: "../roots", intermediates: "/etc/intermediates" },
    ekHash: true,
    joinToken: true,
  },
  certificateHours: 12,
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
      enrolment: {
        ...VALID.enrolment,
        ekCertificate: { roots: "/etc/roots", intermediates: "/etc/intermediates" },
      },
    });
  });

  it("leaves every way in closed that is not named, and has certificates renewed daily", () => {
    const { certificateHours: _, ...rest } = VALID;
    const read = (enrolment: object) => parseConfig(JSON.stringify({ ...rest, enrolment }), "/");
    const closed = { ekCertificate: null, ekHash: false, joinToken: false };
    expect(read({ ekHash: true }).enrolment).toEqual({ ...closed, ekHash: true });
    expect(read({ joinToken: true }).enrolment).toEqual({ ...closed, joinToken: true });
    const ekCertificate = { roots: "/r" };
    expect(read({ ekCertificate })).toMatchObject({
      enrolment: { ...closed, ekCertificate: { roots: "/r", intermediates: null } },
      certificateHours: 24,
    });
  });

  it("has at least one way in", () => {
    for (const enrolment of [{}, { ekHash: false, joinToken: false }]) {
      const text = JSON.stringify({ ...VALID, enrolment });
      expect(problems(text)).toEqual(["enrolment names no way in"]);
    }
  });

  it.each([1, 24, 2160])("lets certificates live %i hours", (certificateHours) => {
    const text = JSON.stringify({ ...VALID, certificateHours });
    expect(parseConfig(text, "/").certificateHours).toBe(certificateHours);
  });

  it.each([0, 2161, 1.5, "24", null])("lets no certificate live %j hours", (certificateHours) => {
    expect(problems(JSON.stringify({ ...VALID, certificateHours }))).toEqual([
      "certificateHours must be a whole number from 1 to 2160",
    ]);
  });

  it("reports every problem at once", () => {
    const text = JSON.stringify({
      listen: { host: "", port: 65536, tls: false },
      database: 1,
      enrolment: {
        ekCertificate: { roots: "a\0b", intermediates: null, sent: true },
        ekHash: 1,
        joinToken: null,
      },
      debug: true,
    });
    expect(problems(text)).toEqual([
      'the file has no setting "debug"',
      'listen has no setting "tls"',
      "listen.host must be a text that is not empty",
      "listen.port must be a port number",
      "database must be a text that is not empty",
      "caDir must be a text that is not empty",
      'enrolment.ekCertificate has no setting "sent"',
      "enrolment.ekCertificate.roots must be a text that is not empty",
      "enrolment.ekCertificate.intermediates must be a text that is not empty",
      "enrolment.ekHash must be true or false",
      "enrolment.joinToken must be true or false",
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
