import { deepEqual, equal } from "node:assert/strict";
import test from "node:test";
import { readEvents } from "../widget/frame/sse";

async function read(...chunks: (string | Uint8Array)[]) {
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      bytes.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
  const events = [];
  let signs = 0;
  for await (const event of readEvents(body, () => signs++)) events.push(event);
  return { events, signs };
}

test("an event is whole wherever the network cuts it, inside a character too", async () => {
  const written = new TextEncoder().encode('event: delta\ndata: {"text":"早安"}\n\n');
  for (let at = 1; at < written.length; at++) {
    const { events } = await read(written.slice(0, at), written.slice(at));
    deepEqual(events, [{ event: "delta", data: '{"text":"早安"}' }]);
  }
});

test("line ends of every kind, several data lines, no name", async () => {
  const { events } = await read("data: a\r\ndata:b\r\n\r", "\nevent: x\rdata: c\r\r\n");
  deepEqual(events, [
    { event: "message", data: "a\nb" },
    { event: "x", data: "c" },
  ]);
});

test("a heartbeat is a sign of life and no event", async () => {
  const { events, signs } = await read(": still here\n\n", ": still here\n\n");
  deepEqual(events, []);
  equal(signs, 2);
});

test("what was not finished is no event", async () => {
  deepEqual((await read("event: answer\ndata: {}\n")).events, []);
});
