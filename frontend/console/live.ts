// `data-live="topic"`: the element is read again when something of that topic changed, with `data-live-id="…"` only when
// it was that object. An element with an id is given its new content, as for the links that aim at it; any other is
// replaced by itself out of the new page.

import htmx from "htmx.org";

const TOPICS = ["contact", "conversation", "document", "import", "export"];
const GATHER_MS = 400; // one import changes thousands

let source: EventSource | null = null;
const waiting = new Map<HTMLElement, number>();

export function startListening(): void {
  const update = (): void => {
    const isWanted = document.querySelector("[data-live]") !== null;
    if (isWanted && !source) source = connect();
    if (!isWanted) source?.close();
    if (!isWanted) source = null;
  };
  update();
  document.addEventListener("htmx:afterSettle", update);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") flush();
  });
}

function connect(): EventSource {
  const stream = new EventSource("/console/live");
  let wasLost = false;
  stream.addEventListener("error", () => (wasLost = true));
  stream.addEventListener("open", () => {
    if (wasLost) document.querySelectorAll<HTMLElement>("[data-live]").forEach(plan); // what was missed is not repeated
    wasLost = false;
  });
  for (const topic of TOPICS) {
    stream.addEventListener(topic, (event) => {
      const { id } = JSON.parse((event as MessageEvent<string>).data) as { id: string };
      for (const element of document.querySelectorAll<HTMLElement>(`[data-live~="${topic}"]`)) {
        if (!element.dataset.liveId || element.dataset.liveId === id) plan(element);
      }
    });
  }
  return stream;
}

function plan(element: HTMLElement): void {
  clearTimeout(waiting.get(element));
  waiting.set(element, window.setTimeout(flush, GATHER_MS));
}

/** Read again what is waiting, unless nobody looks; a part that somebody types in waits until they are done. */
function flush(): void {
  if (document.visibilityState !== "visible") return;
  for (const [element, timer] of waiting) {
    clearTimeout(timer);
    const isBusy = element.contains(document.activeElement) && document.activeElement?.matches("input, textarea, select");
    if (isBusy) plan(element);
    else waiting.delete(element);
    if (!isBusy && element.isConnected) void reload(element);
  }
}

async function reload(element: HTMLElement): Promise<void> {
  const focused = element.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
  const scroll = element.querySelector(".fd-scroll")?.scrollTop ?? 0;
  const { live, liveId } = element.dataset;
  const self = `[data-live="${live}"]${liveId ? `[data-live-id="${liveId}"]` : ""}`;
  const address = location.pathname + location.search;
  if (element.id) await htmx.ajax("get", address, { target: element, swap: "innerHTML" });
  else await htmx.ajax("get", address, { target: element, swap: "outerHTML", select: self });
  const fresh = element.id ? element : document.querySelector(self);
  fresh?.querySelector(".fd-scroll")?.scrollTo({ top: scroll });
  if (focused) fresh?.querySelector<HTMLElement>(`[href="${CSS.escape(focused)}"]`)?.focus();
}
