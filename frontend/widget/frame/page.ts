// The page around the frame, if there is one. It is told nothing before it has said who it is from an allowed origin.

import { seal, unseal, type EventDetails, type EventType, type FrameMessage, type PageMessage, type Start } from "../messages";

export interface Page {
  /** Ask the page for a fresh proof of who the visitor is, to be made for `nonce`; null when it has none. */
  askToken(nonce: string | null): Promise<string | null>;
  emit<Type extends EventType>(type: Type, detail: EventDetails[Type]): void;
  close: (() => void) | null;
}

const TOKEN_TIMEOUT_MS = 20_000;

/** What the chat begins with when it has the window for itself. */
const ALONE: Start = {
  kind: "start",
  identityToken: null,
  canRenew: false,
  endsSession: false,
  queryMetadata: null,
  primaryColor: null,
  locale: null,
  theme: null,
};

/**
 * Call `onStart` once, when the page has sent its start message, and `onMessage` for each later one. Messages from any
 * other window or origin are not answered. Without a page around us the chat starts at once.
 */
export function meetPage(
  allowedOrigins: readonly string[],
  onStart: (start: Start, page: Page) => void,
  onMessage: (message: PageMessage) => void,
): void {
  if (window.parent === window) {
    onStart(ALONE, { askToken: () => Promise.resolve(null), emit: () => {}, close: null });
    return;
  }
  let origin: string | null = null;
  let waiting: ((token: string | null) => void)[] = [];

  const post = (message: FrameMessage): void => {
    if (origin !== null) window.parent.postMessage(seal(message), origin);
  };
  const page: Page = {
    askToken: (nonce) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        setTimeout(resolve, TOKEN_TIMEOUT_MS, null);
        post({ kind: "tokenWanted", nonce });
      }),
    emit: (type, detail) => post({ kind: "event", type, detail }),
    close: () => post({ kind: "closeWanted" }),
  };

  window.addEventListener("message", (event) => {
    const origins = origin === null ? [...allowedOrigins, location.origin] : [origin];
    const message = unseal<PageMessage>(event, window.parent, origins);
    if (!message) return;
    if (message.kind === "start") {
      if (origin !== null) return;
      origin = event.origin;
      onStart(message, page);
    } else if (message.kind === "token") {
      waiting.splice(0).forEach((resolve) => resolve(message.token));
    } else if (origin !== null) {
      onMessage(message);
    }
  });
}
