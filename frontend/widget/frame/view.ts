// The frame's document: a header, one of several panes, the composer.

import { createComposer, type Composer } from "./composer";
import { make } from "./dom";
import { icon } from "./icons";
import type { Log } from "./log";
import { createMenu } from "./menu";
import type { ConversationSummary } from "./wire";
import type { Words } from "./words";

export interface Wishes {
  send(text: string): void;
  newConversation(): void;
  showHistory(): void;
  end(): void;
  signIn(): void;
  close: (() => void) | null; // null: the chat has the window for itself
}

export interface Person {
  isSigned: boolean;
  name: string | null;
}

export type View = ReturnType<typeof createView>;

export function createView(root: HTMLElement, words: Words, assistantName: string, wishes: Wishes) {
  const { say } = words;
  const name = make("h1", { class: "cut" }, assistantName);
  const sub = make("span", { class: "sub" });
  const pane = make("div", { class: "pane", tabindex: "0" });
  const status = make("div", { class: "status", role: "status", hidden: true });
  const pause = make("div", { class: "pause", role: "alert", hidden: true });
  const composer: Composer = createComposer(words, wishes.send);
  const foot = make("div", {}, composer.element, make("p", { class: "by" }, say("withSources")));
  let person: Person = { isSigned: false, name: null };
  let log: Log | null = null;

  const menu = createMenu(say("more"), [
    { icon: "plus", label: say("newConversation"), run: wishes.newConversation },
    { icon: "history", label: say("earlierConversations"), run: wishes.showHistory },
    { icon: "logout", label: say("endChat"), run: wishes.end },
  ]);
  const { close } = wishes;
  const closeButton = close ? make("button", { type: "button", class: "round", "aria-label": say("close"), click: close }, icon("x", "l")) : null;
  const title = make("div", { class: "title" }, name, sub);
  root.replaceChildren(make("header", {}, make("span", { class: "avatar" }, icon("robot")), title, menu, closeButton), make("main", {}, pane, status, pause, foot));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (root.dataset.pane === "history") showLog();
    else close?.();
  });

  function showPane(kind: "log" | "history" | "opening" | "failure", ...children: Node[]): void {
    root.dataset.pane = kind;
    pane.setAttribute("role", kind === "log" ? "log" : "region");
    pane.setAttribute("aria-label", say("conversation"));
    pane.setAttribute("aria-live", "off"); // what is there already is read by the visitor, not read out
    pane.replaceChildren(...children);
    foot.hidden = kind === "history" || kind === "failure";
    if (kind === "log") requestAnimationFrame(() => pane.setAttribute("aria-live", "polite"));
  }

  function showLog(next: Log | null = log): void {
    log = next;
    if (!log) return;
    showPane("log", log.element);
    log.scrollToEnd();
  }

  function describe(isPaused: boolean): void {
    const signed = person.name ? say("signedInAs", { name: person.name }) : say("signedIn");
    if (isPaused) sub.replaceChildren(icon("lock", "s"), say("signInExpired"));
    else if (person.isSigned) sub.replaceChildren(icon("shield", "s"), signed);
    else sub.replaceChildren(say("subtitle"));
  }

  return {
    composer,
    showLog,

    setTitle(text: string): void {
      name.textContent = text;
    },

    setPerson(next: Person): void {
      person = next;
      describe(false);
    },

    showOpening(): void {
      const bars = ["60%", "80%", "40%"].map(() => make("span", { class: "bar" }));
      showPane("opening", make("div", { class: "opening", role: "status", "aria-label": say("opening") }, ...bars));
    },

    /** Say that the chat could not be opened, neutrally, with what support needs to look it up. */
    showFailure(isRefused: boolean, requestId: string | null, retry: () => void): void {
      const button = make("button", { type: "button", class: "button", click: retry }, icon("refresh"), say("tryAgain"));
      const number = requestId ? make("p", { class: "small" }, say("requestNumber", { id: requestId })) : null;
      const text = make("p", {}, say(isRefused ? "identityRefused" : "openFailed"));
      showPane("failure", make("div", { class: "failure", role: "alert" }, icon("alert", "l"), text, button, number));
    },

    showHistory(conversations: ConversationSummary[], currentId: string | null, pick: (chosen: ConversationSummary) => void): void {
      const back = make("button", { type: "button", class: "round", "aria-label": say("back"), click: () => showLog() }, icon("arrow-left", "l"));
      const rows = conversations.map((conversation) =>
        make(
          "button",
          { type: "button", class: "row", "aria-current": conversation.id === currentId && "true", click: () => pick(conversation) },
          make("span", { class: "cut" }, conversation.title || say("untitled")),
          make("time", {}, conversation.lastMessageAt ? words.day(new Date(conversation.lastMessageAt)) : ""),
        ),
      );
      const list = rows.length ? rows : [make("p", { class: "empty" }, say("noEarlierConversations"))];
      showPane("history", make("div", { class: "history" }, make("div", { class: "top" }, back, make("h2", {}, say("earlierConversations"))), ...list));
      back.focus();
    },

    setStatus(text: string | null): void {
      status.hidden = text === null;
      status.replaceChildren(...(text === null ? [] : [icon("refresh", "s"), text]));
    },

    /** Close the composer until the visitor has signed in again. */
    pause(canSignIn: boolean): void {
      const signIn = make("button", { type: "button", class: "button main", click: wishes.signIn }, icon("login"), say("signInButton"));
      const end = make("button", { type: "button", class: "button", click: wishes.end }, say("endButton"));
      const buttons = make("div", { class: "buttons" }, canSignIn ? signIn : null, end);
      pause.replaceChildren(icon("lock"), make("div", {}, make("b", {}, say("signInAgain")), make("p", {}, say("signInAgainWhy")), buttons));
      pause.hidden = false;
      composer.setPaused(true);
      describe(true);
      log?.scrollToEnd();
    },

    resume(): void {
      pause.hidden = true;
      composer.setPaused(false);
      describe(false);
    },
  };
}
