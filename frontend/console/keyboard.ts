// Single keys, where nobody is typing: j and k walk through the rows of `data-rows`, and each `data-shortcut="x"` has its
// own key: a field is focused, anything else is pressed. `?` presses what has that shortcut, the list of keys.

export function startKeyboard(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if ((event.target as Element).closest("input, textarea, select, [contenteditable]")) return;
    if (document.querySelector("#drawer > *")) return;
    if ((event.key === "j" && walk(1)) || (event.key === "k" && walk(-1)) || useShortcut(event.key)) event.preventDefault();
  });
}

function useShortcut(key: string): boolean {
  const element = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(key)}"]`);
  if (!element) return false;
  if (element.matches("input, textarea, select")) {
    element.focus();
    (element as HTMLInputElement).select?.();
  } else {
    element.click();
  }
  return true;
}

/** Focus the first link of the row that is `step` rows from the focused one. */
function walk(step: 1 | -1): boolean {
  const links = [...document.querySelectorAll("[data-rows]")].flatMap((list) => {
    const rows = list.querySelectorAll(list.matches("table") ? "tbody > tr" : ":scope > *");
    return [...rows].map((row) => (row.matches("a") ? (row as HTMLElement) : row.querySelector<HTMLElement>("a[href]")));
  });
  const known = links.filter((link) => link !== null);
  const at = known.findIndex((link) => (link.closest("tr, li") ?? link).contains(document.activeElement));
  const next = known[at < 0 ? (step > 0 ? 0 : known.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return known.length > 0;
}
