// The menu behind the three dots.

import { make } from "./dom";
import { icon, type IconName } from "./icons";

export interface MenuItem {
  icon: IconName;
  label: string;
  run: () => void;
}

/** Return a button with its menu. Arrow keys move, Escape and a press elsewhere close. */
export function createMenu(label: string, items: MenuItem[]): HTMLElement {
  const button = make("button", { type: "button", class: "round", "aria-label": label, "aria-haspopup": "menu" }, icon("dots", "l"));
  const entries = items.map((item) => make("button", { type: "button", role: "menuitem" }, icon(item.icon), item.label));
  const list = make("div", { class: "menu-list", role: "menu" }, ...entries);
  const element = make("div", { class: "menu" }, button, list);

  let isShown = false;

  function toggle(isOpen: boolean): void {
    isShown = isOpen;
    list.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) entries[0]?.focus();
  }

  button.addEventListener("click", () => toggle(!isShown));
  entries.forEach((entry, i) =>
    entry.addEventListener("click", () => {
      toggle(false);
      items[i]?.run();
    }),
  );
  element.addEventListener("keydown", (event) => {
    if (!isShown) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      toggle(false);
      button.focus();
    } else if (step) {
      event.preventDefault();
      const at = entries.indexOf(document.activeElement as HTMLButtonElement);
      entries[(at + step + entries.length) % entries.length]?.focus();
    }
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget as Node | null)) toggle(false);
  });
  toggle(false);
  return element;
}
