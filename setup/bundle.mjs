// SPDX-License-Identifier: Apache-2.0
// Makes one file of each process. On a node that file is what IMA measures, so nothing may be loaded beside it but koffi's native part.
import { rmSync } from "node:fs";
import { build } from "esbuild";

/** Bundles every process into `folder`: `node/` for the node's own three, `bin/` for what runs beside it. */
export async function bundle(root, folder) {
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20",
    conditions: ["@nsattest/source"],
    logLevel: "warning",
    legalComments: "none",
    metafile: false,
  };
  rmSync(`${folder}/node`, { recursive: true, force: true });
  rmSync(`${folder}/bin`, { recursive: true, force: true });
  await Promise.all([
    build({
      ...common,
      // CommonJS: Node reads such a file once and loads nothing else, and `__dirname` finds koffi's native part beside it.
      format: "cjs",
      outdir: `${folder}/node`,
      outExtension: { ".js": ".cjs" },
      entryPoints: {
        bpf: "agent/src/loader/main.ts",
        monitor: "agent/src/monitor/main.ts",
        agent: "agent/src/attester/main.ts",
      },
      loader: { ".node": "copy" },
      plugins: [koffiForLinux],
      // Optional native helper of cbor-x; it goes on without.
      external: ["cbor-extract"],
    }),
    build({
      ...common,
      format: "esm",
      outdir: `${folder}/bin`,
      outExtension: { ".js": ".mjs" },
      entryPoints: {
        registrar: "registrar/src/main.ts",
        verifier: "verifier/src/main.ts",
        nsattest: "cli/src/main.ts",
      },
      external: ["better-sqlite3", "cbor-x", "fastify", "node-forge", "re2js"],
    }),
  ]);
}

/** koffi names a native package per platform; only the one that is installed can be bundled. */
const koffiForLinux = {
  name: "koffi-for-linux",
  setup(bundler) {
    bundler.onResolve({ filter: /^@koromix\/koffi-/ }, ({ path }) =>
      path === `@koromix/koffi-linux-${process.arch}` ? undefined : { path, external: true },
    );
  },
};
