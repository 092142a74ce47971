// SPDX-License-Identifier: Apache-2.0

import { defineConfig } from "vitest/config";

process.env["TZ"] = "UTC";

const PACKAGES =
  "{tpm,ns-ima,protocol,hook,agent,registrar,verifier,cli,test/lab,test/enrolment,test/fakes,test/fuzz}";

/** Folders of which no branch is untested. */
const PROVEN = [
  "tpm/src",
  "ns-ima/src",
  "protocol/src",
  "verifier/src/{quote,boot,replay,policy,verdict}",
];

export default defineConfig({
  ssr: { resolve: { conditions: ["@nsattest/source"] } },
  test: {
    maxWorkers: 2,
    // A test that hangs has to end; how fast it is on a busy machine is not what is tested.
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: [`${PACKAGES}/**/*.test.ts`],
          exclude: ["**/node_modules/**", "**/*.{property,swtpm,native}.test.ts"],
        },
      },
      { extends: true, test: { name: "property", include: [`${PACKAGES}/**/*.property.test.ts`] } },
      { extends: true, test: { name: "swtpm", include: [`${PACKAGES}/**/*.swtpm.test.ts`] } },
      // Builds and runs what is written in C: the hook and the BPF object.
      { extends: true, test: { name: "native", include: [`${PACKAGES}/**/*.native.test.ts`] } },
      { extends: true, test: { name: "repo", include: ["test/repo/**/*.test.ts"] } },
      {
        extends: true,
        test: { name: "attacks", include: ["test/{attacks,mutants}/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "vm",
          include: ["test/vm/**/*.test.ts", "test/hostile/*.test.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
      // `npm run test:hostile`: every trick, on every kernel.
      {
        extends: true,
        test: {
          name: "hostile",
          include: ["test/hostile/full/*.test.ts"],
          fileParallelism: false,
          hookTimeout: 3_600_000,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["{tpm,ns-ima,protocol,agent,registrar,verifier,cli}/src/**/*.ts"],
      exclude: ["**/*.test.ts", "**/index.ts"],
      reporter: [["text", { skipFull: true }]],
      // What a verdict stands on: every way through it is tested.
      thresholds: Object.fromEntries(PROVEN.map((folder) => [`${folder}/**`, { branches: 100 }])),
    },
  },
});
