// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LabError } from "./error.ts";
import { type GuestChannel, listenForGuest } from "./guest-channel.ts";
import { GuestCommand } from "./guest-command.ts";

const [HELLO, STDOUT, STDERR, EXIT] = [0, 1, 2, 3] as const;

/** A guest that only speaks the frames. */
let guest: Socket;
let channel: GuestChannel;
let folder: string;
let heard: Buffer;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nsattest-channel-"));
  const listener = await listenForGuest(join(folder, "shell"), async () => "Kernel panic");
  close = listener.close;
  heard = Buffer.alloc(0);
  guest = connect(join(folder, "shell"));
  guest.on("data", (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
  });
  guest.write(frame(0, HELLO));
  channel = await listener.guest;
});

afterEach(async () => {
  guest.destroy();
  channel.fail(new LabError("LAB_CHANNEL", "the test is over"));
  await close();
  await rm(folder, { recursive: true });
});

test("a command is sent with its arguments, its input in chunks, and its signals", async () => {
  const command = new GuestCommand(channel, ["/bin/sh", "-c", "cat"]);
  command.write(Buffer.alloc(100_000, "a"));
  command.end();
  command.signal(15);
  const expected = Buffer.concat([
    frame(1, 1, "/bin/sh\0-c\0cat\0"),
    frame(1, 2, "a".repeat(65_536)),
    frame(1, 2, "a".repeat(34_464)),
    frame(1, 2),
    frame(1, 3, "\x0f"),
  ]);
  while (heard.length < expected.length)
    await new Promise((resolve) => guest.once("data", resolve));
  expect(heard).toEqual(expected);
});

test("two commands at once, whatever pieces their output arrives in", async () => {
  const one = new GuestCommand(channel, ["one"]);
  const two = new GuestCommand(channel, ["two"]);
  const bytes = Buffer.concat([
    frame(2, STDOUT, "b\0"),
    frame(1, STDERR, "oops"),
    frame(1, STDOUT, "a"),
    frame(9, STDOUT, "nobody's"),
    frame(2, STDOUT, Buffer.from([255, 254])),
    frame(1, EXIT, Buffer.from([0, 0, 0, 3])),
    frame(2, EXIT, Buffer.from([0, 0, 0, 137])),
  ]);
  for (const byte of bytes) guest.write(Buffer.from([byte]));
  expect(await one.result).toEqual({
    code: 3,
    stdout: Buffer.from("a"),
    stderr: Buffer.from("oops"),
  });
  expect(await two.result).toEqual({
    code: 137,
    stdout: Buffer.from([98, 0, 255, 254]),
    stderr: Buffer.alloc(0),
  });
});

describe("waiting for a word", () => {
  test("ends when it has been written, in however many pieces", async () => {
    const command = new GuestCommand(channel, ["daemon"]);
    const waiting = command.waitFor("ready");
    guest.write(frame(1, STDOUT, "not yet re"));
    guest.write(frame(1, STDOUT, "ady, go"));
    await waiting;
    expect(command.stdout.toString()).toBe("not yet ready, go");
  });

  test("fails when the command ends without it, and says what it wrote", async () => {
    const command = new GuestCommand(channel, ["daemon"]);
    const waiting = command.waitFor("ready");
    guest.write(Buffer.concat([frame(1, STDERR, "no TPM"), frame(1, EXIT, Buffer.alloc(4))]));
    await expect(waiting).rejects.toMatchObject({
      code: "LAB_COMMAND",
      message: expect.stringContaining("no TPM"),
    });
  });
});

test("when the machine ends, running and later commands fail", async () => {
  const running = new GuestCommand(channel, ["sleep"]);
  guest.destroy();
  await expect(running.result).rejects.toMatchObject({
    code: "LAB_CHANNEL",
    message: expect.stringContaining("Kernel panic"),
  });
  const late = new GuestCommand(channel, ["true"]);
  await expect(late.result).rejects.toMatchObject({ code: "LAB_CHANNEL" });
});

function frame(to: number, type: number, payload: string | Buffer = ""): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUInt32BE(bytes.length, 0);
  header.writeUInt32BE(to, 4);
  header.writeUInt8(type, 8);
  return Buffer.concat([header, bytes]);
}
