// SPDX-License-Identifier: Apache-2.0
// Makes one file of each process. On a node that file is what IMA measures, so nothing may be loaded beside it but koffi's native part.
import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
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
  // The lab finds what it puts into the machine beside its own folder, in the sources and here.
  cpSync(join(root, "test/lab/guest"), join(folder, "guest"), { recursive: true });
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
        preflight: "agent/src/preflight/main.ts",
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
        vectors: "test/vm/capture/main.ts",
        bench: "test/bench/main.ts",
      },
      // So that what a command imports when it runs is not loaded by every other.
      splitting: true,
      chunkNames: "part-[hash]",
      external: ["better-sqlite3", "cbor-x", "fastify", "node-forge", "re2js"],
    }),
  ]);
}

/**
 * koffi finds its native part by looking around on the disk, which a bundle cannot. Its CommonJS entry asks for one package per platform
 * instead: the one that is installed becomes a file beside the bundle, the others stay what they are, absent.
 */
const koffiForLinux = {
  name: "koffi-for-linux",
  setup(bundler) {
    const require = createRequire(import.meta.url);
    bundler.onResolve({ filter: /^koffi$/ }, () => ({ path: require.resolve("koffi") }));
    bundler.onResolve({ filter: /^@koromix\/koffi-/ }, ({ path }) => {
      if (path !== `@koromix/koffi-linux-${process.arch}`) return { path, external: true };
      return { path: join(dirname(require.resolve(path)), `linux_${process.arch}`, "koffi.node") };
    });
  },
};
