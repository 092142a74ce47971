// SPDX-License-Identifier: Apache-2.0
import { Container, type KernelSeries, type Testbed, type VmOptions } from "@nsattest/lab";
import type { NodeReport, Verdict } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NodeView, namespaceOf } from "./node-view.ts";
import { startTestbed } from "./project.ts";

type Swap = Pick<VmOptions, "swapped" | "imaPolicy">;

/** A policy that measures next to nothing. */
const OTHER_POLICY =
  "measure func=MODULE_CHECK\nmeasure func=FILE_CHECK mask=MAY_READ fowner=1900000001\n";
const BEHIND = Buffer.from("somebody was here");

/** What somebody with the machine in his hands can boot instead, and what is said of it. */
const SWAPS: Readonly<Record<string, { readonly swap: Swap; readonly said: RegExp }>> = {
  kernel: {
    swap: { swapped: ({ kernel }) => ({ kernel: changedKernel(kernel) }) },
    said: /^BOOT_EVENT_UNEXPECTED PCR 4 EV_EFI_BOOT_SERVICES_APPLICATION kernel: /m,
  },
  "initial file system": {
    swap: { swapped: ({ initramfs }) => ({ initramfs: Buffer.concat([initramfs, BEHIND]) }) },
    said: /^BOOT_EVENT_UNEXPECTED PCR 9 EV_EVENT_TAG Linux initrd: /m,
  },
  "command line": {
    swap: { swapped: ({ commandLine }) => ({ commandLine: `${commandLine} ima_hash=sha1` }) },
    said: /^BOOT_EVENT_UNEXPECTED PCR 9 EV_EVENT_TAG LOADED_IMAGE::LoadOptions: /m,
  },
  "IMA policy": { swap: { imaPolicy: OTHER_POLICY }, said: /^IMA_POLICY_MISMATCH /m },
};

/** All of it in one boot. */
const EVERYTHING: Swap = {
  imaPolicy: OTHER_POLICY,
  swapped: (usual) => ({
    kernel: changedKernel(usual.kernel),
    initramfs: Buffer.concat([usual.initramfs, BEHIND]),
    commandLine: `${usual.commandLine} nokaslr`,
  }),
};

/** A letter of a message that the kernel's setup code would show where its own second half is missing. */
function changedKernel(kernel: Buffer): Buffer {
  const changed = Buffer.from(kernel);
  const at = changed.indexOf("No setup signature");
  if (at < 0) throw new Error("the kernel has no such message");
  changed.write("n", at);
  return changed;
}

function wordsOf({ reasons }: Verdict): string {
  return reasons.map(({ code, detail }) => `${code} ${detail}`).join("\n");
}

/**
 * A machine whose boot is known, and what becomes of it when something else is booted, while verifier and registrar go on.
 *
 * @param each whether each thing is swapped in a boot of its own
 */
export function testBoot(kernel: KernelSeries, each: boolean): void {
  describe(`a measured boot of ${kernel}`, () => {
    let bed: Testbed;
    let view: NodeView;

    beforeAll(async () => {
      bed = await startTestbed({ kernel, measuredBoot: true });
      view = await NodeView.of(bed);
    });
    afterAll(() => bed?.stop());

    async function afterReboot(swap: Swap = {}): Promise<NodeReport> {
      await bed.reboot(swap);
      return view.settled();
    }

    test("leaves nothing open, of the host and of what runs on it", async () => {
      const { vm, image } = bed;
      const web = await Container.prepare(vm, { id: "web", image, args: ["/bin/busybox", "true"] });
      await web.create();
      await web.start();
      await web.wait();
      const report = await view.settled();
      expect(report.node.host).toMatchObject({ tier: "affirming", reasons: [] });
      expect(report.node.host.limits).not.toContain("BOOT_UNVERIFIED");
      expect(report.node.host.limits).not.toContain("IMA_POLICY_UNPROVEN");
      expect(namespaceOf(report, "web").verdict).toMatchObject({ tier: "affirming", limits: [] });
      const pcrs = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 10, 13];
      expect(report.node.quote).toEqual({ verified: true, bank: "sha256", pcrs });
    });

    if (each) {
      test.each(Object.entries(SWAPS))(
        "says so when another %s was booted",
        async (_, { swap, said }) => {
          const { host } = (await afterReboot(swap)).node;
          expect(host.tier).toBe("contraindicated");
          expect(wordsOf(host)).toMatch(said);
        },
      );
    } else {
      test("names everything that was swapped in one boot", async () => {
        const { host } = (await afterReboot(EVERYTHING)).node;
        expect(host.tier).toBe("contraindicated");
        for (const { said } of Object.values(SWAPS)) expect(wordsOf(host)).toMatch(said);
      });
    }

    test("is good again after a reboot, as the same node, with nothing outside started anew", async () => {
      const { node } = await afterReboot();
      expect(node.host).toMatchObject({ tier: "affirming", reasons: [] });
      expect(node.host.limits).not.toContain("BOOT_UNVERIFIED");
      expect(await view.ids()).toEqual([node.id]);
    });
  });
}
