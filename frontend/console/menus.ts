// `details.fd-menu`: a press elsewhere, on a link in it, and Escape close it; only one is open.

export function startMenus(): void {
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target as Node)) menu.open = false;
  });
  document.addEventListener("click", (event) => closeBefore(event.target as Element), true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
      event.preventDefault();
    }
  });
}

function openMenus(): NodeListOf<HTMLDetailsElement> {
  return document.querySelectorAll<HTMLDetailsElement>("details.fd-menu[open]");
}

/** A link in a menu opens a drawer; when that is closed, the focus returns to what opened the menu. */
function closeBefore(target: Element): void {
  const menu = target.closest("a.fd-menu-item")?.closest<HTMLDetailsElement>("details.fd-menu");
  if (!menu) return;
  menu.querySelector("summary")?.focus();
  menu.open = false;
}
