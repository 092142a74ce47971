// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync } from "node:fs";
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
import { type KernelFolders, placeOf } from "../registry/process.ts";
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
    privileged: privilegesOf(readConfig(state.bundle)),
    labels,
  };
}

/** The bundle's `config.json`, or null when it cannot be read: then the container counts as privileged. */
function readConfig(bundle: string): unknown {
  const file = join(bundle, "config.json");
  try {
    if (statSync(file).size > CONFIG_BYTES_MAX) return null;
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

function refusal(error: unknown): string {
  if (error instanceof AgentError || error instanceof ProtocolError)
    return `${error.code}: ${error.message}`;
  return `INTERNAL: ${error instanceof Error ? error.message : String(error)}`;
}
