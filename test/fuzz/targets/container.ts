// SPDX-License-Identifier: Apache-2.0

import { HOOK_STATE_MAX, ProtocolError, parseContainerState } from "@nsattest/protocol";
import { privilegesOf } from "../../../agent/src/monitor/registry/privileges.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateJson } from "../mutate/json.ts";
import { json } from "./vectors.ts";

const FACTS = { bundle: "/run/bundle", hostNamespaces: ["user"] } as const;

/** What a runtime says of a container: the OCI state that the hook passes on, and the OCI configuration. */
export function container(): FuzzTarget {
  const state = {
    ociVersion: "1.0.2",
    id: "web.1",
    status: "created",
    pid: 4242,
    bundle: "/run/containers/web",
    annotations: { "org.opencontainers.image": "sha256:00", lines: "a\nb" },
  };
  const config = {
    process: { capabilities: { bounding: ["CAP_SYS_ADMIN"], effective: [] } },
    mounts: [
      { type: "bind", source: "/proc", options: ["rbind"] },
      { type: "cgroup", options: ["ro", "rw"] },
      { type: "overlay" },
    ],
    linux: {
      devices: [{ path: "/dev/tpmrm0" }],
      resources: { devices: [{ allow: true, access: "rwm" }] },
    },
  };
  return {
    name: "container",
    seeds: [json(state), json(config), json({ ...state, ...config })],
    mutators: [mutateJson],
    inputMax: HOOK_STATE_MAX + 1,
    errors: ["ProtocolError"],
    run(input) {
      return `${stateOf(input)} ${privilegesIn(input)}`;
    },
  };
}

function stateOf(input: Uint8Array): string {
  try {
    const { id, bundle, annotations } = parseContainerState(input);
    promise(!/[/\0]/.test(id), "an id that is a path");
    promise(bundle.startsWith("/") && !/\0|\/\.\.?(?:\/|$)/.test(bundle), "a bundle with a detour");
    return `state ${annotations.size > 0}`;
  } catch (error) {
    if (error instanceof ProtocolError) return error.message.replace(/".*|\d+/g, "");
    throw error;
  }
}

function privilegesIn(input: Uint8Array): string {
  let config: unknown;
  try {
    config = JSON.parse(Buffer.from(input).toString());
  } catch {
    return "";
  }
  const reasons = privilegesOf(config, FACTS);
  promise(new Set(reasons).size === reasons.length, "a reason twice");
  return reasons.join(" ");
}
