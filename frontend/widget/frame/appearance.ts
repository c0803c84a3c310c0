// Light or dark, and the colour that the page or the inbox chose.

import { inkOn, parseColor, readableOn } from "../color";

const SURFACE = { light: "#ffffff", dark: "#171c23" };

/** Dress the document; `theme` is light, dark or anything else for the visitor's own setting, which is then followed. */
export function dress(theme: string | null, primaryColor: string | null): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    const chosen = theme === "light" || theme === "dark" ? theme : system.matches ? "dark" : "light";
    document.documentElement.dataset.theme = chosen;
    paint(parseColor(primaryColor), SURFACE[chosen]);
  };
  system.addEventListener("change", apply);
  apply();
}

function paint(color: string | null, surface: string): void {
  if (!color) return;
  const style = document.documentElement.style;
  style.setProperty("--fd-accent", color);
  style.setProperty("--fd-on-accent", inkOn(color));
  style.setProperty("--fd-accent-ink", readableOn(surface, color));
}
