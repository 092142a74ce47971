// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { connectSwtpm } from "./swtpm.ts";

const COMMAND = new Uint8Array([0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 0x81]);
const ANSWER = new Uint8Array([0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 7, 7]);

/** A server that hands each command to `onCommand`, and a transport to it. */
async function connected(onCommand: (socket: Socket) => void, timeoutMs?: number) {
  const server = createServer((socket) => {
    socket.on("data", () => onCommand(socket));
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const transport = await connectSwtpm({ host: "127.0.0.1", port }, timeoutMs);
  onTestFinished(() => transport.close());
  return transport;
}

it("puts an answer together from any number of segments", async () => {
  const transport = await connected(async (socket) => {
    socket.setNoDelay(true);
    for (const byte of ANSWER) {
      socket.write(new Uint8Array([byte]));
      await new Promise(setImmediate);
    }
  });
  expect(await transport.transceive(COMMAND)).toEqual(ANSWER);
  expect(await transport.transceive(COMMAND)).toEqual(ANSWER);
});

it.each([
  ["a size above 4096", new Uint8Array([0x80, 0x01, 0, 1, 0, 0, 0, 0, 0, 0]), "RESPONSE_MALFORMED"],
  [
    "a size below a header",
    new Uint8Array([0x80, 0x01, 0, 0, 0, 9, 0, 0, 0, 0]),
    "RESPONSE_MALFORMED",
  ],
  ["more than one answer", new Uint8Array([...ANSWER, 0x80]), "RESPONSE_MALFORMED"],
])("refuses %s and everything after it", async (_, bytes, code) => {
  const transport = await connected((socket) => void socket.write(bytes));
  await expect(transport.transceive(COMMAND)).rejects.toMatchObject({ code });
  await expect(transport.transceive(COMMAND)).rejects.toMatchObject({ code });
});

it("fails when the TPM hangs up in the middle of an answer", async () => {
  const transport = await connected((socket) => void socket.end(ANSWER.subarray(0, 5)));
  await expect(transport.transceive(COMMAND)).rejects.toMatchObject({ code: "DEVICE_CLOSED" });
});

it("gives up on a TPM that does not answer", async () => {
  const transport = await connected(() => undefined, 10);
  await expect(transport.transceive(COMMAND)).rejects.toMatchObject({ code: "DEVICE_IO" });
});

it("takes one command at a time", async () => {
  const transport = await connected((socket) => void socket.write(ANSWER));
  const first = transport.transceive(COMMAND);
  await expect(transport.transceive(COMMAND)).rejects.toMatchObject({ code: "DEVICE_IO" });
  await expect(first).resolves.toEqual(ANSWER);
});

it("ends the command under way when it is closed, and can be closed again", async () => {
  const transport = await connected(() => undefined);
  const refused = expect(transport.transceive(COMMAND)).rejects.toMatchObject({
    code: "DEVICE_CLOSED",
  });
  await transport.close();
  await transport.close();
  await refused;
});

it("fails with a code where nobody listens", async () => {
  const connecting = connectSwtpm({ path: "/nonexistent/tpm.sock" });
  await expect(connecting).rejects.toMatchObject({ code: "DEVICE_IO" });
});
