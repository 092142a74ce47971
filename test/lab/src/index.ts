// SPDX-License-Identifier: Apache-2.0

export { type Artefacts, findArtefacts } from "./artefacts.ts";
export { type BaseSystem, gatherBaseSystem } from "./base-system.ts";
export { bootVm, type VmOptions } from "./boot-vm.ts";
export { Container, type ContainerOptions } from "./container.ts";
export { busyboxImage, type ContainerImage } from "./container-image.ts";
export { LabError, type LabErrorCode } from "./error.ts";
export type { CommandResult, GuestCommand, RunOptions } from "./guest-command.ts";
export {
  code,
  data,
  dataFrom,
  executable,
  folder,
  type GuestFile,
  link,
  tree,
} from "./guest-file.ts";
export { CODE_UID, GUEST_USERS } from "./guest-user.ts";
export { fetchKernel, type KernelSeries } from "./kernel.ts";
export { readModules } from "./kernel-modules.ts";
export { compileProgram } from "./native-program.ts";
export { HOOK_PATH, type OciConfig, SHARED_VOLUME } from "./oci-config.ts";
export { type RuntimePolicyDocument, runtimePolicy } from "./runtime-policy.ts";
export { runScenario, SCENARIO_PROGRAMS } from "./scenario.ts";
export { type OperatorAccess, Services } from "./services.ts";
export { type Swtpm, type SwtpmOptions, startSwtpm } from "./swtpm.ts";
export { type NodeService, Testbed, type TestbedOptions } from "./testbed.ts";
export type { CollectedState, Vm } from "./vm.ts";
