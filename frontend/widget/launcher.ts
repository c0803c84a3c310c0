// The round button and the box that the frame stands in, in a shadow tree that the page's own style cannot reach.

import { inkOn, parseColor } from "./color";
import style from "./launcher.css" with { type: "text" };

export interface Launcher {
  /** Put the frame in, hidden; it begins to load. */
  addFrame(url: string, isDark: boolean): HTMLIFrameElement;
  /** Show or hide the frame. */
  toggle(isOpen: boolean): void;
  /** Say how many replies came while the frame was hidden. */
  count(replies: number): void;
  focus(): void;
}

const WORDS = {
  en: { open: "Open chat", close: "Close chat", title: "Chat", one: ", 1 new message", many: ", # new messages" },
  zh: { open: "開啟聊天", close: "關閉聊天", title: "聊天", one: "，1 則新訊息", many: "，# 則新訊息" },
};

/** Add the button to the page. `onPress` is called when the visitor presses it. */
export function createLauncher(locale: string, color: string | null, onPress: () => void): Launcher {
  const words = locale.startsWith("zh") ? WORDS.zh : WORDS.en;
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const button = document.createElement("button");
  const badge = document.createElement("span");
  let frame: HTMLIFrameElement | null = null;
  let replies = 0;

  const label = (): void => {
    const isOpen = frame !== null && !frame.hidden;
    const news = replies ? (replies === 1 ? words.one : words.many.replace("#", String(replies))) : "";
    button.setAttribute("aria-expanded", String(isOpen));
    button.setAttribute("aria-label", isOpen ? words.close : words.open + news);
    badge.textContent = String(replies);
    badge.hidden = replies === 0;
  };

  const accent = parseColor(color) ?? "#1e5bb8";
  host.style.setProperty("--accent", accent);
  host.style.setProperty("--ink", inkOn(accent));
  button.type = "button";
  badge.className = "count";
  button.append(
    draw("chat", "M3 20l1.3-3.9C1.8 12.7 3.1 7.9 7.1 5.5c4-2.3 9.4-1.7 12.4 1.5 3.1 3.2 2.9 7.9-.5 10.8-3.3 2.9-8.6 3.2-12.3.7L3 20"),
    draw("down", "M6 9l6 6l6-6"),
    badge,
  );
  button.addEventListener("click", onPress);
  addStyle(root);
  root.append(button);
  label();
  document.body.append(host);

  return {
    addFrame(url, isDark) {
      frame = document.createElement("iframe");
      frame.title = words.title;
      frame.hidden = true;
      frame.dataset.theme = isDark ? "dark" : "light";
      frame.src = url;
      root.insertBefore(frame, button);
      return frame;
    },
    toggle(isOpen) {
      if (frame) frame.hidden = !isOpen;
      label();
    },
    count(value) {
      replies = value;
      label();
    },
    focus: () => button.focus(),
  };
}

/** A page's content policy may forbid style elements, so a constructed sheet is used where the browser has them. */
function addStyle(root: ShadowRoot): void {
  if ("adoptedStyleSheets" in root) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } else {
    const element = document.createElement("style");
    element.textContent = style;
    (root as ShadowRoot).append(element);
  }
}

function draw(name: string, line: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("class", name);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", line);
  svg.append(path);
  return svg;
}
