// The script of the page: a button, and on the first press the chat's frame. Nothing else is loaded before, and nothing is
// kept in the page's storage.

import { createLauncher } from "./launcher";
import { seal, unseal, type EventDetails, type EventType, type FrameMessage, type PageMessage } from "./messages";
import { readOptions, type Options } from "./options";

type Listener<Type extends EventType> = (detail: EventDetails[Type]) => void;

const TOKEN_TIMEOUT_MS = 15_000;

function start(options: Options): object {
  const origin = new URL(options.baseUrl, location.href).origin;
  const launcher = createLauncher(options.locale ?? (document.documentElement.lang || navigator.language), options.primaryColor, () => (isOpen ? close() : open()));
  const listeners = new Map<EventType, Set<Listener<never>>>();
  let frame: HTMLIFrameElement | null = null;
  let isOpen = false;
  let isStarted = false; // the frame has its start message
  let isReady = false; // the chat can take messages
  let endsSession = false; // the page logged out before there was a frame to tell
  const waiting: PageMessage[] = []; // for the start
  let unseen = 0;

  function emit<Type extends EventType>(type: Type, detail: EventDetails[Type]): void {
    for (const listener of [...(listeners.get(type) ?? [])]) {
      try {
        (listener as Listener<Type>)(detail);
      } catch (error) {
        console.error(error);
      }
    }
  }

  function post(message: PageMessage): void {
    if (isStarted || message.kind === "start") frame?.contentWindow?.postMessage(seal(message), origin);
    else waiting.push(message);
  }

  /** Return a fresh proof, or null when the page has none or fails to say. */
  async function askPage(nonce: string | null): Promise<string | null> {
    const timeout = new Promise<null>((resolve) => setTimeout(resolve, TOKEN_TIMEOUT_MS, null));
    try {
      return (await Promise.race([options.getIdentityToken?.({ nonce }), timeout])) || null;
    } catch (error) {
      console.error(error);
      emit("error", { slug: "identity-token-failed", requestId: null });
      return null;
    }
  }

  function load(): void {
    if (frame) return;
    const isDark = options.theme === "dark" || (options.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    frame = launcher.addFrame(`${options.baseUrl}/chat/${encodeURIComponent(options.webChatId)}`, isDark);
    frame.addEventListener("load", begin);
  }

  function begin(): void {
    const { identityToken, queryMetadata, primaryColor, locale, theme } = options;
    const canRenew = options.getIdentityToken !== null;
    post({ kind: "start", identityToken, canRenew, endsSession, queryMetadata, primaryColor, locale, theme });
    isStarted = true;
    endsSession = false;
    waiting.splice(0).forEach(post);
    if (isOpen) post({ kind: "shown" });
  }

  function open(): void {
    if (isOpen) return;
    load();
    isOpen = true;
    unseen = 0;
    launcher.toggle(true);
    launcher.count(0);
    frame?.focus();
    if (isStarted) post({ kind: "shown" });
    emit("open", {});
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    launcher.toggle(false);
    launcher.focus();
    if (isStarted) post({ kind: "hidden" });
    emit("close", {});
  }

  window.addEventListener("message", (event) => {
    const message = unseal<FrameMessage>(event, frame?.contentWindow ?? null, [origin]);
    if (!message || !frame) return;
    frame.dataset.runs = "";
    if (message.kind === "closeWanted") close();
    if (message.kind === "tokenWanted") void askPage(message.nonce).then((token) => post({ kind: "token", token }));
    if (message.kind === "event") {
      if (message.type === "ready") isReady = true;
      if (message.type === "messageReply" && !isOpen) launcher.count(++unseen);
      emit(message.type, message.detail as never);
    }
  });

  return {
    control: { open, close, isOpen: () => isOpen },
    chat: {
      send(text: string) {
        open();
        post({ kind: "send", text: String(text) });
      },
      newConversation() {
        open();
        post({ kind: "newConversation" });
      },
    },
    /** Say who the visitor is, with a token that the enterprise signed. */
    identify(token: string) {
      options.identityToken = token;
      if (frame) post({ kind: "identify", token });
    },
    /** End the session, on the server too; the next person in this browser starts empty. */
    logout() {
      options.identityToken = null;
      if (isStarted) post({ kind: "logout" });
      else endsSession = true;
      load();
    },
    events: {
      on<Type extends EventType>(type: Type, listener: Listener<Type>) {
        listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
        if (type === "ready" && isReady) queueMicrotask(() => (listener as Listener<"ready">)({}));
      },
      off<Type extends EventType>(type: Type, listener: Listener<Type>) {
        listeners.get(type)?.delete(listener);
      },
    },
  };
}

function main(script: HTMLScriptElement | null): void {
  const page = window as { Frontdesk?: object; MaiAgent?: object };
  const options = readOptions(script);
  if (page.Frontdesk) return;
  if (options) page.Frontdesk = page.MaiAgent = start(options);
  else console.warn("Frontdesk: set window.frontdesk = { webChatId, baseUrl } before widget.js is loaded.");
}

const script = document.currentScript as HTMLScriptElement | null;
if (document.body) main(script);
else document.addEventListener("DOMContentLoaded", () => main(script));
