// SPDX-License-Identifier: Apache-2.0

import { resolve } from "node:path";
import { VerifierError } from "./error.ts";
import { JsonSection } from "./strict-json.ts";

/** Everything the verifier is told. All paths are absolute. */
export interface VerifierConfig {
  /** Where the API listens; port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** SQLite file; made when missing. */
  readonly database: string;
  readonly tls: {
    /** Certificate of the authority that all peers' certificates must come from. */
    readonly ca: string;
    readonly certificate: string;
    readonly key: string;
  };
  readonly registrar: { readonly url: string };
  /** Folder of `node-policy.json`, `namespace-policies.json` and the runtime policies they name. */
  readonly policies: string;
  /** How often a node is asked to send evidence. */
  readonly intervalSeconds: number;
  /** How long a verdict holds after its evidence; more than `intervalSeconds`, or verdicts would lapse between two. */
  readonly validSeconds: number;
  /** How long host-list entries may stand above the last mark. */
  readonly pendingSeconds: number;
}

const DAY_SECONDS = 86_400;
const HTTPS_URL = /^https:\/\/[^/?#\s]+\/?$/;

/**
 * Reads the configuration file. Strict: nothing has a default, nothing unknown is passed over. Does not look whether
 * the files it names exist.
 *
 * @param folder what relative paths are relative to: the folder of the configuration file
 * @throws VerifierError `CONFIG_INVALID` with all problems
 */
export function parseConfig(text: string, folder: string): VerifierConfig {
  const problems: string[] = [];
  const root = JsonSection.parse(text, "", problems);
  const listen = root.section("listen");
  const tls = root.section("tls");
  const registrar = root.section("registrar");
  const path = (section: JsonSection, key: string): string => resolve(folder, section.text(key));
  const config: VerifierConfig = {
    listen: { host: listen.text("host"), port: listen.integer("port", 0, 65_535) },
    database: path(root, "database"),
    tls: { ca: path(tls, "ca"), certificate: path(tls, "certificate"), key: path(tls, "key") },
    registrar: { url: registrar.text("url", HTTPS_URL, "the https URL of a host") },
    policies: path(root, "policies"),
    intervalSeconds: root.integer("intervalSeconds", 1, DAY_SECONDS),
    validSeconds: root.integer("validSeconds", 1, DAY_SECONDS),
    pendingSeconds: root.integer("pendingSeconds", 1, DAY_SECONDS),
  };
  for (const section of [root, listen, tls, registrar]) section.refuseUnread();
  if (problems.length === 0 && config.validSeconds <= config.intervalSeconds) {
    problems.push("validSeconds must be more than intervalSeconds");
  }
  if (problems.length > 0) {
    throw new VerifierError("CONFIG_INVALID", problems.join("; "), { problems });
  }
  return config;
}
