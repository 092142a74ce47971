// SPDX-License-Identifier: Apache-2.0

import type { Advice } from "@nsattest/protocol";
import type { LimitCode, ReasonCode } from "../verdict/reason.ts";

const REASONS: Readonly<Record<ReasonCode, Advice>> = {
  NEVER_ATTESTED: {
    meaning: "No evidence of this node was accepted yet.",
    next: "Wait for the first round. If none comes, see the agent's log on the node.",
  },
  VERDICT_EXPIRED: {
    meaning:
      "The verdict was good until its end; since then the node has sent no evidence that counts.",
    next: "See the agent's log: it asks for challenges and does not come to an end with them.",
  },
  NODE_UNREACHABLE: {
    meaning: "Nothing was heard of the node for more than twice the time that a verdict holds.",
    next: "See whether the node and its agent run, and whether it reaches the verifier.",
  },
  NODE_REBOOTED: {
    meaning: "The node says that it was started again, and has proven nothing of its new boot yet.",
    next: "Wait for the next round. If it stays, see the logs of agent and monitor.",
  },
  POLICY_MISSING: {
    meaning: "The verifier has no policy for this image or host, so it cannot say what is allowed.",
    next: "Bind the image's digest to a runtime policy in namespace-policies.json (the host's is in node-policy.json), then restart the verifier. An image without a digest needs the annotation nsattest.dev/image.",
  },
  BOOT_AGGREGATE: {
    meaning:
      "The list does not begin with what the kernel measured of the boot, or the TPM had no part in it.",
    next: "Boot with the TPM on, and see that the kernel finds it before IMA starts (dmesg has 'ima: No TPM chip found' otherwise).",
  },
  KEXEC_LIST: {
    meaning:
      "The kernel was started by another kernel, whose list it goes on with: what ran in between is not known.",
    next: "Reboot the node through its firmware.",
  },
  BOOT_LOG_MISSING: {
    meaning:
      "The verifier expects a certain boot of this node, and the node's kernel has no log of what was booted.",
    next: "Boot through UEFI firmware with the TPM on: /sys/kernel/security/tpm0/binary_bios_measurements must be there. Or take the node out of boot-policy.json.",
  },
  PROGRAMS_UNMEASURED: {
    meaning:
      "One of nsattest's own programs was not seen on this host as the policy lists it, so what it says does not count.",
    next: "Load the shipped IMA policy before the programs start, and list their digests in the host's runtime policy.",
  },
  LOG_STALLED: {
    meaning:
      "Files were measured, and the monitor does not say for whom, for longer than is allowed.",
    next: "See the monitor's log on the node: it cannot write its log or keep up with the kernel.",
  },
  GAP: {
    meaning:
      "Something happened here that was not seen, and what is running was not read again since.",
    next: "Start the container again; for the host, reboot.",
  },
  UNMEASURED: {
    meaning:
      "It ran before anything of it could be seen, and what is running was not read again since.",
    next: "Start the container again, after nsattest-bpf.",
  },
  SIGNATURE_PENDING: {
    meaning:
      "A file was executed that only a signature can allow, and the list has not shown its signature yet.",
    next: "Wait for two rounds. If it becomes NOT_IN_ALLOWLIST, the file has no signature that the list could show.",
  },
  NO_EXECUTIONS: {
    meaning: "Nothing was executed here, so there is nothing to affirm.",
    next: "Nothing, if it has just begun; else find out why it does not run.",
  },
  HOST_CONTRAINDICATED: {
    meaning:
      "The host executed what it must not, so nothing that it says of its containers counts.",
    next: "Ask about the host: nsattest why host.",
  },
  HOST_UNPROVEN: {
    meaning: "Nothing can be said of the host, and so of nothing on it.",
    next: "Ask about the host: nsattest why host.",
  },
  GAP_RESYNCED: {
    meaning: "Something happened here that was not seen; what runs was read again afterwards.",
    next: "Start the container again for a clean record; for the host, reboot.",
  },
  HOST_WARNING: {
    meaning: "The host's verdict is a warning, and no container stands better than its host.",
    next: "Ask about the host: nsattest why host.",
  },
  DENIED_DIGEST: {
    meaning: "A file was executed whose content is denied, whatever else allows it.",
    next: "Treat it as an incident. Replace the file, or take its digest out of the deny list if it is there by mistake.",
  },
  NOT_IN_ALLOWLIST: {
    meaning: "A file was executed that the policy does not list at this path.",
    next: "Find out who put it there. If it belongs there, add path and digest to the runtime policy of the image or host, and restart the verifier; else start the container again from its image.",
  },
  DIGEST_MISMATCH: {
    meaning: "The policy lists this path with other content: the file was changed or replaced.",
    next: "After an update, make the policy again from the new image. Without one, somebody changed the file: treat it as an incident, and start the container again from its image.",
  },
  SIGNATURE_INVALID: {
    meaning: "The policy does not list the file, and its signature is not one over its content.",
    next: "Find out where the file came from; sign it again if it is yours.",
  },
  SIGNATURE_KEY_UNKNOWN: {
    meaning:
      "The policy does not list the file, and its keyring has no key for the file's signature.",
    next: "If its signer is to be trusted, add the certificate to the policy's keyring; else find out where the file came from.",
  },
  SIGNATURE_KEY_REVOKED: {
    meaning: "The policy does not list the file, and the key that signed it was revoked.",
    next: "Replace it by a file that is signed with a key in force.",
  },
  DIGEST_ALGORITHM: {
    meaning:
      "The kernel's digest of the file is not SHA-256: the file's own attribute has chosen a weaker or another algorithm.",
    next: "Remove or renew the file's security.ima attribute; boot with ima_hash=sha256.",
  },
  DIGEST_UNSTABLE: {
    meaning:
      "What was executed cannot be said for certain: the file changed while it was measured, or had no digest.",
    next: "Find out what in the container writes to the programs it runs, or runs them from a file system that cannot be measured (FUSE, network).",
  },
  CODE_WRITABLE: {
    meaning:
      "A program could be changed while it ran: somebody held its file open for writing, or opened it for writing after it was executed.",
    next: "Find out what writes to programs that run. Update programs by writing a new file and renaming it; keep what is executed off volumes that others write to.",
  },
  CGROUP_ESCAPE: {
    meaning:
      "A process of this container ran in the cgroup of another container or of a service of the host.",
    next: "Treat it as an incident, unless somebody entered the container with nsenter instead of its runtime. Do not mount the host's cgroup tree into containers.",
  },
  ENTRY_UNOWNED: {
    meaning: "A file was measured on this node, and no task was seen to cause it.",
    next: "The programs in the kernel were off or were circumvented, which only the host can do: treat it as an incident of the host, then reboot.",
  },
  VIOLATION: {
    meaning:
      "A program was open for writing while it was executed or read, so its digest says nothing.",
    next: "Find out what writes to programs that run (an updater, a build), then reboot.",
  },
  BOOT_EVENT_UNEXPECTED: {
    meaning:
      "Firmware, kernel, command line, initial file system or settings of the boot are not those of the reference.",
    next: "If you changed what the node boots, add the event to boot-policy.json (nsattest boot reference makes one of a good boot). If nobody did, treat the node as compromised.",
  },
  BOOT_EVENT_MISSING: {
    meaning: "Something that the reference has was not measured when the node was booted.",
    next: "If that is right, mark the event in boot-policy.json as optional, or take it out. If nobody changed the boot, treat the node as compromised.",
  },
  BOOT_AGGREGATE_MISMATCH: {
    meaning: "The log of the boot is not what the kernel found in the TPM when IMA began.",
    next: "Reboot the node through its firmware. If it comes again, treat the node as compromised.",
  },
  IMA_POLICY_MISMATCH: {
    meaning: "The node loaded another IMA policy than the pinned one: it may measure less.",
    next: "Install the pinned policy and reboot, or pin the new one in node-policy.json.",
  },
};

const LIMITS: Readonly<Record<LimitCode, Advice>> = {
  BOOT_UNVERIFIED: {
    meaning: "What was booted (firmware, boot loader, kernel) is not checked yet.",
    next: "Nothing to do; know that the verdict begins with the running kernel.",
  },
  TPM_EK_UNCHAINED: {
    meaning:
      "No vendor says that the node's key is in a TPM: an operator has let it in by its hash or a token.",
    next: "Enrol the node by an EK certificate, if its TPM has one.",
  },
  LIST_SHA1: {
    meaning: "The host list is proven by SHA-1 only.",
    next: "Use a kernel and a TPM bank with SHA-256, and pin it in node-policy.json.",
  },
  IMA_POLICY_UNPROVEN: {
    meaning:
      "The pinned IMA policy is not in the list, so what is measured is the kernel's own choice.",
    next: "Boot with ima_policy=tcb and load the pinned policy by its path.",
  },
  INTERPRETER: {
    meaning:
      "A script ran: what it does is decided by an interpreter, which is all that was measured.",
    next: "Know it, or use images without scripts.",
  },
  ANONYMOUS_EXEC: {
    meaning: "Memory without a file was made executable, as JIT compilers do.",
    next: "Know it.",
  },
  UNSTABLE_FS: {
    meaning:
      "Something was executed from a file system that may give other bytes the second time: FUSE, a network, or one that is not known.",
    next: "Know it, or execute from the image or a local volume.",
  },
  OTHERS_CODE: {
    meaning: "It opened files for writing that other containers had executed.",
    next: "Know it, or keep what containers execute off volumes that they share.",
  },
  PRIVILEGED: {
    meaning: "The container may act as the host, and is judged by the host's policy too.",
    next: "Take the privilege away, or list what it runs in the host's runtime policy.",
  },
  IMAGE_NOT_PINNED: {
    meaning: "The image is named by no digest, so no policy can be bound to it.",
    next: "Let the runtime set the annotation nsattest.dev/image to sha256:...",
  },
};

const ALL: ReadonlyMap<string, Advice> = new Map(Object.entries({ ...REASONS, ...LIMITS }));

/** Every other code is of a proof that failed: it stands in a library's or the verifier's own table of errors. */
const PROOF_FAILED: Advice = {
  meaning:
    "The last evidence did not prove what it says, so nothing is said until better evidence comes.",
  next: "Look the code up in docs/errors.md. If the next rounds do not end it, find out who changes what the node sends, or reboot it.",
};

/** What the code of a reason or limit means for whoever is responsible for the namespace, and what to do next. */
export function adviceOf(code: string): Advice {
  return ALL.get(code) ?? PROOF_FAILED;
}
