// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ContainerState,
  decodeHookRequest,
  encodeHookAnswer,
  ProtocolError,
  parseContainerState,
} from "@nsattest/protocol";
import { AgentError } from "../../error.ts";
import type { Monitor } from "../monitor.ts";
import { privilegesOf } from "../registry/privileges.ts";
import { hostNamespacesOf, type KernelFolders, placeOf } from "../registry/process.ts";
import type { Declaration } from "../registry/registry.ts";

/** Annotation by which a runtime names the image it started: a claim, as everything a runtime says. */
export const IMAGE_ANNOTATION = "nsattest.dev/image";

const CONFIG_BYTES_MAX = 8 << 20;

/**
 * Answers one frame of the hook: opens or closes a namespace. The answer comes after the log was written, not after the TPM: a container
 * start never waits for a slow chip.
 */
export function answerHook(
  monitor: Pick<Monitor, "open" | "close">,
  folders: KernelFolders,
  payload: Uint8Array,
): Uint8Array {
  try {
    const request = decodeHookRequest(payload);
    const state = parseContainerState(request.state);
    if (request.verb === "close") {
      const known = monitor.close(state.id, "poststop");
      return encodeHookAnswer({ ok: true, message: known ? "closed" : "was not open" });
    }
    return encodeHookAnswer({ ok: true, message: monitor.open(declarationOf(state, folders)) });
  } catch (error) {
    return encodeHookAnswer({ ok: false, message: refusal(error) });
  }
}

function declarationOf(state: ContainerState, folders: KernelFolders): Declaration {
  if (state.pid === null) {
    throw new AgentError("CONTAINER_PROCESS", `the runtime named no process for ${state.id}`);
  }
  const image = state.annotations.get(IMAGE_ANNOTATION);
  const labels: [string, string][] = [["name", state.id]];
  if (image !== undefined) labels.unshift(["image", image]);
  return {
    containerId: state.id,
    place: placeOf(state.pid, folders),
    runtime: "oci",
    declared: true,
    privileged: privilegesOf(readConfig(state.bundle), {
      bundle: state.bundle,
      hostNamespaces: hostNamespacesOf(state.pid, folders),
    }),
    labels,
  };
}

/** The bundle's `config.json`, or null when it cannot be read: then the container counts as privileged. */
function readConfig(bundle: string): unknown {
  try {
    // Neither opening nor reading may wait: a pipe or a device of that name would stop the monitor. They have no size.
    const file = openSync(join(bundle, "config.json"), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = fstatSync(file);
      if (size === 0 || size > CONFIG_BYTES_MAX) return null;
      return JSON.parse(readFileSync(file, "utf8"));
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

function refusal(error: unknown): string {
  if (error instanceof AgentError || error instanceof ProtocolError)
    return `${error.code}: ${error.message}`;
  return `INTERNAL: ${error instanceof Error ? error.message : String(error)}`;
}
