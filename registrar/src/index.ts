// SPDX-License-Identifier: Apache-2.0

export { type AuthorityOptions, initAuthority } from "./ca/init.ts";
export { type CommandLineSurroundings, EXIT, runCommandLine } from "./command-line.ts";
export { parseConfig, type RegistrarConfig } from "./config.ts";
export { RegistrarError, type RegistrarErrorCode } from "./error.ts";
export { jsonLog, type Log, type LogEvent, type LogFields } from "./log.ts";
export { type RegistrarSurroundings, runRegistrar } from "./run.ts";
export { buildServer, type ServerDependencies } from "./server.ts";
