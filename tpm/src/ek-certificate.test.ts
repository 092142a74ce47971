// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { hex } from "../test/vector.ts";
import { splitCertificates, trimCertificate } from "./ek-certificate.ts";

it.each([
  ["a short length", "3002 0500", "0000"],
  ["one length octet", `308180 ${"aa".repeat(128)}`, "ffff"],
  ["two length octets", `30820100 ${"aa".repeat(256)}`, "00"],
  ["no padding", "3002 0500", ""],
])("cuts off what follows a certificate with %s", (_, certificate, padding) => {
  expect(trimCertificate(hex(certificate + padding))).toEqual(hex(certificate));
});

it.each([
  ["nothing", ""],
  ["no length", "30"],
  ["no sequence", "3102 0500"],
  ["unwritten memory", "ff".repeat(32)],
  ["a length beyond the end", "3003 0500"],
  ["a length without its octets", "3082 01"],
  ["a length of three octets", "3083 000002 0500"],
  ["an indefinite length", "3080 0500 0000"],
])("refuses %s", (_, bytes) => {
  expect(codeOf(() => trimCertificate(hex(bytes)))).toBe("CERTIFICATE_ENCODING");
});

it.each<[string, string, readonly string[]]>([
  ["nothing", "", []],
  ["one", "3002 0500", ["30020500"]],
  ["several", "3002 0500 3000 3001 05", ["30020500", "3000", "300105"]],
  ["what is before padding", "3002 0500 ffff 3000", ["30020500"]],
])("takes a chain apart: %s", (_, chain, certificates) => {
  expect(splitCertificates(hex(chain))).toEqual(certificates.map(hex));
});

it("refuses a chain whose last certificate is cut off", () => {
  expect(codeOf(() => splitCertificates(hex("3002 0500 3002 05")))).toBe("CERTIFICATE_ENCODING");
});
