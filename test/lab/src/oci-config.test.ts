// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { ociConfig } from "./oci-config.ts";

const container = { id: "web", image: "sha256:00", args: ["/bin/sh"], hook: ["--owner", "990"] };

test("both hooks get the arguments, their verb and a time limit, and no environment", () => {
  const { hooks } = ociConfig(container);
  expect(hooks).toEqual({
    createRuntime: [hook("createRuntime")],
    poststop: [hook("poststop")],
  });
});

test("without a hook there is none", () => {
  expect(ociConfig({ ...container, hook: null }).hooks).toEqual({
    createRuntime: [],
    poststop: [],
  });
});

test("a container is not privileged, and names its image", () => {
  const { process, annotations, linux } = ociConfig(container);
  for (const set of Object.values(process.capabilities)) {
    expect(set).toHaveLength(14);
    expect(set).not.toContain("CAP_SYS_ADMIN");
  }
  expect(annotations).toEqual({ "nsattest.dev/image": "sha256:00" });
  expect(linux.namespaces).toHaveLength(6);
});

function hook(verb: string): object {
  const args = ["nsattest-hook", "--owner", "990", verb];
  return { path: "/usr/libexec/nsattest-hook", args, env: [], timeout: 10 };
}
