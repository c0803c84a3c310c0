// Where the visitor types. Enter sends, Shift+Enter begins a line, and an input method's own Enter does neither.

import { make } from "./dom";
import { icon } from "./icons";
import type { Words } from "./words";

export type Composer = ReturnType<typeof createComposer>;

export function createComposer(words: Words, onSend: (text: string) => void) {
  const input = make("textarea", {
    rows: "1",
    enterkeyhint: "send",
    maxlength: "8000",
    placeholder: words.say("writeMessage"),
    "aria-label": words.say("message"),
  });
  const button = make("button", { type: "submit", class: "go" });
  const element = make("form", { class: "composer" }, input, button);

  function send(): void {
    const text = input.value.trim();
    if (!text || input.readOnly) return;
    input.value = "";
    fit();
    onSend(text);
  }

  function fit(): void {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 120)}px`;
  }

  function setPaused(isPaused: boolean): void {
    input.readOnly = isPaused;
    button.disabled = isPaused;
    button.setAttribute("aria-label", words.say(isPaused ? "paused" : "send"));
    button.replaceChildren(icon(isPaused ? "lock" : "send"));
    element.classList.toggle("paused", isPaused);
  }

  input.addEventListener("input", fit);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
    input.focus();
  });
  setPaused(false);

  return {
    element,
    /** Close or open the input; what was typed stays. */
    setPaused,
    /** Let the visitor type at once, where that does not bring up a keyboard over half the screen. */
    focus() {
      if (!matchMedia("(pointer: coarse)").matches) input.focus();
    },
    clear() {
      input.value = "";
      fit();
    },
    /** Put back what could not be sent, before what was typed since. */
    giveBack(text: string) {
      input.value = [text, input.value].filter(Boolean).join("\n");
      fit();
    },
  };
}
