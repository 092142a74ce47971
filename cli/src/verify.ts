// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync } from "node:fs";
import { BUNDLE_MAX, ProtocolError } from "@nsattest/protocol";
import type { HistoryPins, StoredHistory } from "@nsattest/verifier";
import { keyPin } from "./ak-pin.ts";
import { parseArguments, usageError } from "./arguments.ts";
import { CliError, EXIT } from "./error.ts";
import { type CheckedSource, historyJson, historyOutcome } from "./report/history.ts";
import { renderHistory } from "./report/history-text.ts";
import type { Surroundings } from "./surroundings.ts";

export const VERIFY_HELP: string = `nsattest verify: checks stored evidence again, without a verifier, a network or a TPM

Usage: nsattest verify FILE... [--ak KEY]... [--policy VERSION]... [--policies FOLDER] [--json]
       nsattest verify --database FILE [--node ID] [--pending-seconds N] [--policies FOLDER] [--json]

Each FILE is a bundle of nsattest evidence. Every quote's signature is checked, list and log are replayed to what was quoted,
every verdict is made again by the policies of then and compared with the one that was stored.

  --ak KEY              the node's attestation key: a file (TPMT_PUBLIC or TPM2B_PUBLIC), sha256:<digest of the TPMT_PUBLIC>,
                        or the TPM's name of it (000b...). Several: one of them. Without it the key is the bundle's own word
                        (AK_UNPINNED), and nothing is proven
  --policy VERSION      a policy version that may have been used, as the verifier logs it when it starts. Without it the
                        policies are the bundle's own word (POLICY_UNPINNED), and nothing is proven
  --policies FOLDER     judge everything by the policies of this folder; the stored verdicts are still checked by their own
  --database FILE       a verifier's database instead of bundles, whether it runs or not; nothing is written. Key and
                        policies in it are the verifier's, and need no pin
  --node ID             this node only
  --pending-seconds N   pendingSeconds of that verifier (default: 120)
  --json                one JSON object {"histories":[...]}

What cannot be checked afterwards: that nonces were fresh, when evidence came, and that no newer rounds are missing
(FRESHNESS_UNPROVEN). A verdict here is about the last round of the history, not about now.

Exit code: 0 everything affirming and consistent, 1 a failure, 2 wrong usage, 3 something is not proven, 4 something is
contraindicated, or another verdict was stored than the evidence leads to (STANDING_DIFFERS).
`;

const OPTIONS = {
  ak: { type: "string", multiple: true },
  policy: { type: "string", multiple: true },
  policies: { type: "string" },
  database: { type: "string" },
  node: { type: "string" },
  "pending-seconds": { type: "string", default: "120" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

type Options = ReturnType<typeof parseArguments<typeof OPTIONS>>["values"];
type Verifier = typeof import("@nsattest/verifier");

/** Runs `nsattest verify`. @throws CliError; VerifierError for a database or policies that cannot be used */
export async function verify(args: readonly string[], { out }: Surroundings): Promise<number> {
  const { values: options, positionals: files } = parseArguments("verify", args, OPTIONS);
  if (options.help) {
    out(VERIFY_HELP);
    return EXIT.ok;
  }
  checkUsage(options, files);
  // Loaded here: no other command needs what comes with it.
  const verifier = await import("@nsattest/verifier");
  const pins: HistoryPins = {
    aks: options.ak?.map(keyPin),
    policyVersions: options.policy,
    policies:
      options.policies === undefined
        ? undefined
        : await verifier.readPolicyFolder(options.policies),
  };
  const sources =
    options.database === undefined
      ? files.map((file) => checkFile(verifier, file, pins))
      : checkDatabase(verifier, options.database, options, pins);
  if (options.json) out(`${JSON.stringify({ histories: sources.map(historyJson) })}\n`);
  else if (sources.length === 0) out("the database knows no node\n");
  else out(sources.map(renderHistory).join("\n"));
  return historyOutcome(sources);
}

const VERSION = /^[0-9a-f]{64}$/;
const SECONDS = /^[1-9][0-9]{0,4}$/;

function checkUsage(options: Options, files: readonly string[]): void {
  const fail = (why: string): never => {
    throw usageError("verify", why);
  };
  if (options.database === undefined) {
    if (files.length === 0) fail("name a bundle, or --database FILE");
    if (options.node !== undefined) fail("--node is for --database");
  } else if (files.length > 0) fail("either bundles or --database");
  else if (options.ak || options.policy) fail("--ak and --policy are for bundles");
  if (options.policy?.some((version) => !VERSION.test(version))) {
    fail("--policy is a version of 64 hexadecimal digits");
  }
  if (!SECONDS.test(options["pending-seconds"])) fail("--pending-seconds is a number of seconds");
}

function checkFile(verifier: Verifier, file: string, pins: HistoryPins): CheckedSource {
  const bytes = readBundle(file);
  let history: StoredHistory;
  try {
    history = verifier.bundleHistory(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { source: file, refusal: { code: error.code, detail: error.message } };
  }
  return { source: file, report: verifier.verifyHistory(history, pins) };
}

function readBundle(file: string): Uint8Array {
  try {
    const { size } = statSync(file);
    // Not read to be refused. One byte more than allowed is refused with the limit's code.
    return size > BUNDLE_MAX ? new Uint8Array(BUNDLE_MAX + 1) : readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("FILE", `cannot read ${file}: ${why}`, { cause });
  }
}

function checkDatabase(
  { Store, databaseHistory, verifyHistory }: Verifier,
  file: string,
  { node, "pending-seconds": pendingSeconds }: Options,
  pins: HistoryPins,
): readonly CheckedSource[] {
  const store = Store.openReadOnly(file);
  try {
    const ids = node === undefined ? store.listNodes().map(({ id }) => id) : [node];
    return ids.map((id) => {
      const record = store.findNode(id);
      if (record === null) throw usageError("verify", `the database does not know the node ${id}`);
      const history = databaseHistory(store, record, Number(pendingSeconds));
      return { source: file, report: verifyHistory(history, pins) };
    });
  } finally {
    store.close();
  }
}
