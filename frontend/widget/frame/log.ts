// One conversation as the visitor sees it: bubbles, sources, lines between them.

import { make } from "./dom";
import { icon, type IconName } from "./icons";
import { renderMarkdown } from "./markdown";
import type { Citation, Message } from "./wire";
import type { Words } from "./words";

export interface OwnBubble {
  markSending(): void;
  markWaiting(seconds: number): void;
  markSent(): void;
  /** `retry` null: trying again is of no use. */
  markFailed(retry: (() => void) | null): void;
  remove(): void;
}

export interface AnswerBubble {
  append(text: string): void;
  replace(text: string): void;
  remove(): void;
}

export type Log = ReturnType<typeof createLog>;

export function createLog(words: Words) {
  const element = make("div", { class: "thread" });
  let lastDay = words.day(new Date()); // no line says "Today" at the top of a new conversation
  let line: HTMLElement | null = null; // what is said at the end until the next message comes
  let starters: HTMLElement | null = null;

  function add<Part extends HTMLElement>(part: Part, isOwn = false): Part {
    const scroller = element.parentElement;
    const isAtEnd = !scroller || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    element.append(part);
    if (line) element.append(line);
    if (isOwn || isAtEnd) scrollToEnd();
    return part;
  }

  function scrollToEnd(): void {
    element.parentElement?.scrollTo({ top: element.parentElement.scrollHeight });
  }

  function clearEnd(): void {
    line?.remove();
    starters?.remove();
    line = starters = null;
  }

  function addDay(time: Date): void {
    const day = words.day(time);
    if (day !== lastDay) add(make("div", { class: "day" }, day));
    lastDay = day;
  }

  return {
    element,
    scrollToEnd,

    /** Say hello and offer what to ask. */
    greet(greeting: string, questions: string[], ask: (question: string) => void): void {
      if (greeting) add(make("div", { class: "bubble" }, ...renderMarkdown(greeting)));
      if (!questions.length) return;
      const buttons = questions.map((question) => make("button", { type: "button", click: () => ask(question) }, question));
      starters = add(make("div", { class: "starters" }, ...buttons));
    },

    /** Show a message that is complete. */
    addMessage(message: Message): void {
      clearEnd();
      addDay(new Date(message.createdAt));
      if (message.type === "incoming") {
        add(make("div", { class: "bubble own" }, readOut(words.say("you")), make("p", {}, message.content)));
        return;
      }
      const { kind, name } = message.sender;
      if (kind === "member") add(make("div", { class: "who" }, icon("user", "s"), name ? words.say("staff", { name }) : words.say("someStaff")));
      add(make("div", { class: "bubble" }, ...renderMarkdown(message.content)));
      if (message.citations.length) add(renderSources(words, message.citations));
      if (message.isFound === false) add(renderLine("user", words.say("nothingFound")));
    },

    /** Show what the visitor just wrote, before the server has it. */
    addOwn(text: string): OwnBubble {
      clearEnd();
      addDay(new Date());
      const bubble = add(make("div", { class: "bubble own" }, readOut(words.say("you")), make("p", {}, text)), true);
      const state = add(make("div", { class: "state" }), true);
      return {
        markSending: () => state.replaceChildren(readOut(words.say("sending"))),
        markWaiting: (seconds) => state.replaceChildren(icon("clock", "s"), words.say("sendingIn", { seconds })),
        markSent: () => state.replaceChildren(),
        markFailed(retry) {
          const button = retry && make("button", { type: "button", class: "link", click: retry }, words.say("tryAgain"));
          state.replaceChildren(icon("alert", "s"), make("span", {}, words.say("notSent")), ...(button ? [button] : []));
        },
        remove() {
          bubble.remove();
          state.remove();
        },
      };
    },

    /** Show an answer while it is written. Readers hear that it is coming, and the whole of it when it is there. */
    addAnswer(): AnswerBubble {
      clearEnd();
      const bubble = add(make("div", { class: "bubble", "aria-hidden": "true" }, make("span", { class: "caret" })));
      const heard = add(readOut(words.say("answering")));
      let text = "";
      let isPlanned = false;
      const draw = (): void => {
        isPlanned = false;
        const scroller = element.parentElement;
        const isAtEnd = !scroller || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
        const blocks = renderMarkdown(text);
        const last = blocks[blocks.length - 1];
        const place = (last?.lastChild instanceof HTMLLIElement ? last.lastChild : last) ?? bubble;
        bubble.replaceChildren(...blocks);
        place.appendChild(make("span", { class: "caret" }));
        if (isAtEnd) scrollToEnd();
      };
      const change = (value: string): void => {
        text = value;
        if (!isPlanned) requestAnimationFrame(draw);
        isPlanned = true;
      };
      return {
        append: (more) => change(text + more),
        replace: change,
        remove() {
          bubble.remove();
          heard.remove();
        },
      };
    },

    /** Say something at the end until the next message comes. */
    say(name: IconName, text: string, action?: { label: string; run: () => void }): void {
      line?.remove();
      const button = action ? make("button", { type: "button", class: "link", click: action.run }, action.label) : null;
      line = renderLine(name, text, button);
      add(line);
    },

    clearEnd,
  };
}

/** Text that is heard and not seen. */
export function readOut(text: string): HTMLElement {
  return make("span", { class: "unseen" }, text);
}

function renderLine(name: IconName, text: string, button: HTMLElement | null = null): HTMLElement {
  return make("div", { class: "line" }, icon(name, "s"), make("span", {}, text), button);
}

function renderSources(words: Words, citations: Citation[]): HTMLElement {
  const items = citations.map(({ number, title, pageNumber, kind }) => {
    const name = pageNumber === null ? title : words.say("sourceOnPage", { title, page: pageNumber });
    return make("li", {}, icon(kind === "faq" ? "help" : "file"), make("span", { class: "cut", title: name }, `${number} · ${name}`));
  });
  return make("ul", { class: "sources", "aria-label": words.say("sources") }, ...items);
}
