// `#drawer` is empty or holds a drawer or a dialog that htmx put there. While it is open the page behind takes no part.
//
// `data-close-drawer` closes it; so does Escape, and a press beside it, unless a `data-guard` form has unsaved text: that
// is left by its own buttons only, and the browser asks before the page is left.

let opener: Element | null = null; // where the focus returns to
let isChanged = false;

export function startDrawer(): void {
  const place = document.getElementById("drawer");
  addEventListener("beforeunload", (event) => {
    if (isChanged) event.preventDefault();
  });
  document.addEventListener("input", (event) => {
    if ((event.target as Element).closest("form[data-guard]")) isChanged = true;
  });
  document.addEventListener("submit", () => (isChanged = false), true);
  if (!place) return;

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { target } = (event as CustomEvent<{ target: Element }>).detail;
    if (target === place && !place.firstElementChild) opener = document.activeElement;
  });
  place.addEventListener("htmx:afterSwap", (event) => {
    const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
    if (event.target !== place) return;
    isChanged = xhr.status >= 400; // what was written is shown again, and is still not saved
    show(place);
  });
  place.addEventListener("click", (event) => {
    const closer = (event.target as Element).closest("[data-close-drawer]");
    if (!closer) return;
    event.preventDefault();
    if (!closer.matches(".fd-scrim") || !isChanged) close(place);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !place.firstElementChild || isChanged) return;
    close(place);
  });
  document.body.addEventListener("drawer:close", () => close(place)); // the server says so by HX-Trigger
}

function show(place: HTMLElement): void {
  const panel = place.querySelector<HTMLElement>("[role=dialog], [role=alertdialog]");
  setRest(place, panel !== null);
  if (!panel || panel.contains(document.activeElement)) return;
  const first = panel.querySelector<HTMLElement>("[autofocus], [aria-invalid=true], .in input:not([type=hidden]), .in select, .in textarea");
  (first ?? panel).focus();
}

function close(place: HTMLElement): void {
  isChanged = false;
  place.replaceChildren();
  setRest(place, false);
  if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  opener = null;
}

/** Put the rest of the page, messages apart, out of reach, or back. */
function setRest(place: HTMLElement, isAway: boolean): void {
  for (const other of document.body.children) {
    if (other !== place && other.id !== "toasts") other.toggleAttribute("inert", isAway);
  }
}
