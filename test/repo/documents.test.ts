// SPDX-License-Identifier: Apache-2.0

import { dirname, join } from "node:path";
import { anchorDigest, extendAnchor, leafHash } from "@nsattest/ns-ima";
import {
  decodeChallenge,
  decodeEvent,
  decodeEvidence,
  decodeHookAnswer,
  decodeHookRequest,
  decodeMonitorAnswer,
  decodeMonitorRequest,
  encodeEvent,
  encodeEvidence,
} from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import { decodeFrames, encodeFrame } from "../../agent/src/monitor/log/log-frame.ts";
import { FILES, read } from "./source-tree.ts";

const DOCUMENTS = FILES.filter((path) => path.endsWith(".md"));
const FOLDERS = new Set(FILES.flatMap((path) => foldersOf(path)));
const TOP = new Set(FILES.map((path) => path.split("/")[0]));

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === "." ? [] : [folder, ...foldersOf(folder)];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

describe.each(DOCUMENTS)("%s", (document) => {
  const text = read(document);

  it("names files and folders that are there", () => {
    const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+)\/?`/g)].map(([, path = ""]) => path);
    const ours = named.filter((path) => TOP.has(path.split("/")[0]) && !path.startsWith("dist/"));
    expect(ours.filter((path) => !FILES.includes(path) && !FOLDERS.has(path))).toEqual([]);
  });

  it("links to files and headings that are there", () => {
    const links = [...text.matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)];
    const broken = links.filter(([, path = "", heading]) => {
      const target = path === "" ? document : join(dirname(document), path);
      if (!FILES.includes(target)) return !FOLDERS.has(target);
      return heading !== undefined && !headingsOf(read(target)).includes(heading);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it("names tests that are there", () => {
    // A test file in backticks, then the names of its tests in quotes.
    const named = text.matchAll(/`([\w./-]+\.test\.ts)`((?:[\s,]+(?:and )?"[^"]+")+)/g);
    const missing = [...named].flatMap(([, file = "", names = ""]) => {
      const source = read(file);
      return [...names.matchAll(/"([^"]+)"/g)]
        .map(([, name = ""]) => name.replace(/\s+/g, " "))
        .filter((name) => !source.includes(`"${name}"`))
        .map((name) => `${file} ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("the examples of docs/evidence-format.md", () => {
  const text = read("docs/evidence-format.md");
  const section = (heading: string): string =>
    text.split(`# ${heading}\n`)[1]?.split(/^#+ /m)[0] ?? "";
  /** Hexadecimal words at the beginning of a line, or after a name and spaces. */
  const words = (heading: string): string[] =>
    [...section(heading).matchAll(/^(?:[a-zA-Z][\w ]*? {2,})?((?:[0-9a-f]{2}){5,})(?:\s|$)/gm)].map(
      ([, word = ""]) => word,
    );
  const record = (event: string) => ({
    tag: new Uint8Array(32).fill(0x11),
    salt: new Uint8Array(32).fill(0x22),
    event: bytes(event),
  });

  it("are one event of each kind, as it is written", () => {
    const kinds = [...section("Events").matchAll(/^\*\*`([a-z-]+)`\*\*/gm)].map(([, kind]) => kind);
    const events = words("Events").map((word) => decodeEvent(bytes(word)));
    expect(events.map(({ kind }) => kind)).toEqual(kinds);
    expect(events.map((event) => hex(encodeEvent(event)))).toEqual(words("Events"));
  });

  it("are told with every reason to be privileged", () => {
    const source = read("agent/src/monitor/registry/privileges.ts");
    const reasons = source.matchAll(/(?:add\(|return \[?|\? (?:null : )?)"([a-z]+(?:-[a-z]+)*)"/g);
    const named = [...reasons].map(([, reason]) => reason);
    const listed = section("Events");
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((reason) => !listed.includes(`\`${reason}\``))).toEqual([]);
  });

  it("follow the anchor rule", () => {
    const [event = "", ...rest] = words("Batch and anchor");
    const batch = [record(event)];
    expect(rest).toEqual(
      [leafHash(record(event)), anchorDigest(batch), extendAnchor(new Uint8Array(32), batch)].map(
        hex,
      ),
    );
  });

  it("are frames of a log file", () => {
    const [event = ""] = words("Batch and anchor");
    const file = bytes(words("Log file").join(""));
    const frames = [...decodeFrames(file)].map(({ frame }) => frame);
    expect(frames).toMatchObject([
      { kind: "record", ringPosition: 4096, record: record(event) },
      { kind: "seal", count: 1 },
    ]);
    expect(frames.map((frame) => hex(encodeFrame(frame)))).toEqual(words("Log file"));
  });

  it("are messages of the hook and of the monitor", () => {
    const payloads = (heading: string): Uint8Array[] =>
      words(heading).map((word) => {
        expect(Number.parseInt(word.substring(0, 8), 16)).toBe(word.length / 2 - 4);
        return bytes(word.substring(8));
      });
    const [open, ok, refused] = payloads("Hook socket") as [Uint8Array, Uint8Array, Uint8Array];
    expect(decodeHookRequest(open)).toEqual({ verb: "open", state: bytes("7b7d") });
    expect(decodeHookAnswer(ok)).toEqual({ ok: true, message: "web/1" });
    expect(decodeHookAnswer(refused)).toEqual({ ok: false, message: "LOG_IO: no" });
    const [request, answer] = payloads("Monitor socket") as [Uint8Array, Uint8Array];
    expect(decodeMonitorRequest(request)).toEqual({ op: "identity" });
    expect(decodeMonitorAnswer("identity", answer)).toEqual({
      ok: false,
      code: "LOG_IO",
      message: "no",
    });
  });

  it("are a challenge and an evidence", () => {
    const [, json = ""] =
      section("Challenge")
        .split("Answer:")[1]
        ?.match(/```json\n(.*?)```/s) ?? [];
    expect(decodeChallenge(JSON.parse(json))).toMatchObject({ bank: "sha256", pcrs: [10, 13] });
    const [word = ""] = words("Evidence");
    expect(hex(encodeEvidence(decodeEvidence(bytes(word))))).toBe(word);
  });
});
