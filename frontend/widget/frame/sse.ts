// Server-sent events read from a fetch, because an EventSource can carry no Authorization.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Yield the events of `body`; `onBytes` is told of every sign of life, heartbeats too. Source: HTML, "server-sent events". */
export async function* readEvents(body: ReadableStream<Uint8Array>, onBytes: () => void = () => {}): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "message";
  let data: string[] = [];
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      onBytes();
      const lines = (rest + decoder.decode(chunk.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("event:")) event = fieldValue(line);
        else if (line.startsWith("data:")) data.push(fieldValue(line));
        else if (line === "") {
          if (data.length) yield { event, data: data.join("\n") };
          [event, data] = ["message", []];
        }
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

function fieldValue(line: string): string {
  return line.slice(line.indexOf(":") + 1).replace(/^ /, "");
}
