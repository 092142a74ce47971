// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { hex, readQuoteVector } from "../test/vector.ts";
import { EK_KINDS, type EkName, ekKindOf } from "./ek-kind.ts";
import { AK_ECC_P256_TEMPLATE, AK_RSA_2048_TEMPLATE } from "./key-template.ts";
import { ObjectAttribute, type PublicArea, parsePublicArea } from "./public-area.ts";

const LOW = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
const HIGH = "ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0";
const HIGH_384 =
  "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12";
const ZEROS = "00".repeat(32);

/** As the EK Credential Profile writes them. */
const TEMPLATES: Readonly<Record<EkName, string>> = {
  "L-1": `0001000b000300b20020 ${LOW} 000600800043 0010 0800 00000000 0100 ${"00".repeat(256)}`,
  "L-2": `0023000b000300b20020 ${LOW} 000600800043 0010 0003 0010 0020 ${ZEROS} 0020 ${ZEROS}`,
  "H-1": `0001000b000300f20020 ${HIGH} 000600800043 0010 0800 00000000 0000`,
  "H-2": `0023000b000300f20020 ${HIGH} 000600800043 0010 0003 0010 0000 0000`,
  "H-3": `0023000c000300f20030 ${HIGH_384} 000601000043 0010 0004 0010 0000 0000`,
};

/** A key made from the template: whatever its numbers are. */
function keyOf(name: EkName): PublicArea {
  const text = TEMPLATES[name].replaceAll(" ", "");
  if (name === "L-1") return parsePublicArea(hex(text));
  if (name === "L-2") return parsePublicArea(hex(text));
  if (name === "H-1")
    return parsePublicArea(hex(`${text.replace(/0000$/, "0100")}${"ab".repeat(256)}`));
  return parsePublicArea(hex(text.replace(/00000000$/, "0001 11 0001 22")));
}

describe("templates", () => {
  it.each(Object.values(EK_KINDS))("$name is that of the EK credential profile", (kind) => {
    expect(kind.template).toEqual(hex(TEMPLATES[kind.name]));
    expect(ekKindOf(keyOf(kind.name))).toBe(kind);
  });

  it("of attestation keys are restricted signing keys", () => {
    const attributes = "000b00050072 0000 0010";
    expect(AK_RSA_2048_TEMPLATE).toEqual(hex(`0001 ${attributes} 0014000b 0800 00000000 0000`));
    expect(AK_ECC_P256_TEMPLATE).toEqual(hex(`0023 ${attributes} 0018000b 0003 0010 0000 0000`));
  });
});

describe("the kind of an EK", () => {
  it.each(Object.values(EK_KINDS))(
    "is none with any other attribute than $name has",
    ({ name }) => {
      const area = keyOf(name);
      for (const bit of Object.values(ObjectAttribute)) {
        // userWithAuth is what low and high range differ in, and their policies do, too.
        expect(ekKindOf({ ...area, attributes: area.attributes ^ bit })).toBeNull();
      }
    },
  );

  it.each(Object.values(EK_KINDS))("is none with other algorithms than $name has", ({ name }) => {
    const area = keyOf(name);
    expect(ekKindOf({ ...area, symmetricBits: 384 - area.symmetricBits })).toBeNull();
    expect(ekKindOf({ ...area, nameAlg: "sha512" })).toBeNull();
    expect(ekKindOf({ ...area, authPolicy: new Uint8Array(32) })).toBeNull();
    expect(ekKindOf({ ...area, scheme: { name: "rsassa", hash: "sha256" } })).toBeNull();
  });

  it("is none of an attestation key", () => {
    for (const type of ["rsa", "p256"] as const) {
      expect(ekKindOf(parsePublicArea(readQuoteVector(type).akPublic))).toBeNull();
    }
  });
});
