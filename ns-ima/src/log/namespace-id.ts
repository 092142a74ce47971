// SPDX-License-Identifier: Apache-2.0

import { HOST } from "./event.ts";

// Longer than any runtime makes them; ids become parts of paths, log lines and map keys.
const CONTAINER_ID = /^[A-Za-z0-9_+.-]{1,128}$/;
const NAMESPACE_ID = /^([^/]*)\/(0|[1-9][0-9]{0,14})$/;

/**
 * True for what may name a container: the alphabet of runc (libcontainer, `validateID`), at most 128 characters,
 * neither `.` nor `..`, so that it is safe as one component of a path.
 */
export function isContainerId(text: string): boolean {
  return CONTAINER_ID.test(text) && text !== "." && text !== "..";
}

/** True for `host` and for `<container id>/<open counter>`, the counter without leading zeros. */
export function isNamespaceId(text: string): boolean {
  return text === HOST || isContainerId(NAMESPACE_ID.exec(text)?.[1] ?? "");
}
