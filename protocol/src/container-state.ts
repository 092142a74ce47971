// SPDX-License-Identifier: Apache-2.0

import { isContainerId } from "@nsattest/ns-ima";
import { invalid, objectOf, optional } from "./codec.ts";
import { parseJson } from "./json.ts";
import { HOOK_STATE_MAX, PATH_MAX } from "./limits.ts";
import { integer, text } from "./scalar-codec.ts";

/**
 * What a runtime says about a container (OCI runtime spec, "State"). Claims: `pid` is to be checked against the
 * kernel, names in annotations prove nothing.
 */
export interface ContainerState {
  readonly id: string;
  /** Absolute and without detours. */
  readonly bundle: string;
  /** The container's first process as the host numbers it; null when there is none (any more). */
  readonly pid: number | null;
  /** Runtimes differ in what they say when (specs of runc and crun): do not decide by it. */
  readonly status: string;
  readonly annotations: ReadonlyMap<string, string>;
}

/** The kernel's PID_MAX_LIMIT. */
const PID_MAX = 4_194_304;
const ANNOTATIONS_MAX = 1024;
const KEY_MAX = 512;
// Values of annotations may have lines (Kubernetes keeps whole documents there), but nothing a terminal would obey.
const CONTROL = /[^\P{Cc}\n\r\t]/u;

const annotationKey = text({ max: KEY_MAX, pattern: /./ });

const state = objectOf(
  {
    id: text({ is: isContainerId }),
    bundle: text({ max: PATH_MAX, is: isPlainPath }),
    pid: optional(integer(PID_MAX)),
    status: text({ pattern: /^[a-z]{1,32}$/ }),
  },
  // The spec allows further properties, and crun adds one.
  { open: true },
);

/**
 * Parses the state JSON of a container from untrusted bytes: at most 1 MiB, an id that is safe as part of a path, a
 * bundle path without `.`, `..`, empty parts or control characters, a pid the kernel can have.
 *
 * Does not check that any of it is true. Properties we do not use are ignored, `ociVersion` among them.
 *
 * @throws ProtocolError `MESSAGE_TOO_LARGE`, `JSON_MALFORMED`, `FIELD_INVALID`, `FIELD_MISSING`
 */
export function parseContainerState(bytes: Uint8Array): ContainerState {
  const json = parseJson(bytes, HOOK_STATE_MAX);
  const { id, bundle, pid, status } = state.decode(json, "state");
  const { annotations = {} } = json as { readonly annotations?: unknown };
  // crun writes 0 for a container that has ended, runc leaves the pid out.
  return { id, bundle, pid: pid || null, status, annotations: readAnnotations(annotations) };
}

function readAnnotations(json: unknown): ReadonlyMap<string, string> {
  const at = "state.annotations";
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid(at, "is not an object");
  }
  const pairs = Object.entries(json);
  if (pairs.length > ANNOTATIONS_MAX) throw invalid(at, "has too many entries");
  return new Map(
    pairs.map(([key, value]) => [annotationKey.decode(key, `${at} key`), lines(value, at)]),
  );
}

function lines(value: unknown, at: string): string {
  if (typeof value !== "string") throw invalid(at, "has a value that is not text");
  if (CONTROL.test(value)) throw invalid(at, "has a value with control characters");
  return value;
}

/** Absolute, with at least one part, and every part a name. */
function isPlainPath(path: string): boolean {
  return /^(?:\/[^/]+)+$/.test(path) && !/\/\.\.?(?:\/|$)/.test(path);
}
