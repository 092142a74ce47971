// SPDX-License-Identifier: Apache-2.0

import {
  type KeyringDocument,
  parseKeyring,
} from "../../../ns-ima/src/signature/keyring-document.ts";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateDer } from "../mutate/der.ts";
import { mutateJson } from "../mutate/json.ts";
import { readSignatures } from "./ima-signature.ts";
import { hex, json, utf8 } from "./vectors.ts";

const FORMATS = ["der", "pem", "keylime"] as const;
type Format = (typeof FORMATS)[number];

/** Documents that hold keys: DER, PEM and Keylime's JSON. The first byte of an input chooses the format. */
export function keyring(root: string): FuzzTarget {
  const { keys } = readSignatures(root);
  const ders = keys.flatMap(({ spki, certificate }) => [hex(spki), hex(certificate)]);
  const pems = keys.map(
    ({ spki, certificate }) => pem("PUBLIC KEY", spki) + pem("CERTIFICATE", certificate),
  );
  const keylime = {
    meta: { version: 1 },
    keyids: keys.map(({ keyId }) => Number.parseInt(keyId, 16)),
    pubkeys: keys.map(({ spki }) => Buffer.from(spki, "hex").toString("base64")),
  };
  return {
    name: "keyring",
    seeds: [
      ...ders.map((der) => document("der", der)),
      ...pems.map((text) => document("pem", utf8(text))),
      document("pem", utf8(pems.join(""))),
      document("keylime", json(keylime)),
      document("keylime", json(JSON.stringify(keylime))),
    ],
    mutators: [mutateDocument, mutateDocument, mutatePem],
    inputMax: 32 * 1024,
    errors: ["NsImaError"],
    run(input) {
      const keys = parseKeyring(documentIn(input));
      promise(keys.length > 0 || formatOf(input) === "keylime", "a document without keys");
      const ids = keys.every(({ id }) => /^[0-9a-f]{8}$/.test(id));
      promise(
        ids && keys.every(({ fingerprint }) => fingerprint.length === 64),
        "a key without id",
      );
      return `${formatOf(input)} ${new Set(keys.map(({ type }) => type)).size}`;
    },
  };
}

function document(format: Format, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([FORMATS.indexOf(format), ...bytes]);
}

function formatOf(input: Uint8Array): Format {
  return FORMATS[(input[0] ?? 0) % FORMATS.length] ?? "der";
}

function documentIn(input: Uint8Array): KeyringDocument {
  const format = formatOf(input);
  const bytes = input.subarray(1);
  return format === "der" ? { format, bytes } : { format, text: Buffer.from(bytes).toString() };
}

function mutateDocument(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const mutate = formatOf(input) === "keylime" ? mutateJson : mutateDer;
  return document(formatOf(input), mutate(input.subarray(1), random, other.subarray(1)));
}

/** Changes the DER in the first block, its label, or what is around it. */
function mutatePem(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const text = Buffer.from(input.subarray(1)).toString();
  const [block, label = "", body = ""] = /-----BEGIN ([^-]*)-----([^-]*)/.exec(text) ?? [];
  if (block === undefined) return input;
  const der = mutateDer(new Uint8Array(Buffer.from(body, "base64")), random, other.subarray(1));
  const labels = [label, label, "RSA PUBLIC KEY", "PRIVATE KEY", "X509 CRL", ""];
  const changed = pem(random.pick(labels), Buffer.from(der).toString("hex"));
  return document("pem", utf8(random.oneIn(2) ? changed : text.replace(block, changed)));
}

function pem(label: string, digits: string): string {
  const body = Buffer.from(digits, "hex").toString("base64");
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}
