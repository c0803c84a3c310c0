// `#toasts`: short messages. What went well goes away by itself; what went wrong, or can be undone, waits for
// `data-dismiss`.
//
// When the server cannot be reached there is nobody to write the message, so it lies ready in the template `#offline`.

const SHOWN_MS = 6000;

export function startToasts(): void {
  const place = document.getElementById("toasts");
  if (!place) return;
  const letGo = (toast: Element): void => {
    if (!toast.matches(".bad, :has(a)")) setTimeout(() => toast.remove(), SHOWN_MS);
  };
  [...place.children].forEach(letGo);
  new MutationObserver((changes) => {
    for (const change of changes) change.addedNodes.forEach((node) => node instanceof Element && letGo(node));
  }).observe(place, { childList: true });
  place.addEventListener("click", (event) => {
    const button = (event.target as Element).closest("[data-dismiss]");
    button?.closest(".fd-toast")?.remove();
  });
  document.addEventListener("htmx:sendError", () => {
    const offline = document.querySelector<HTMLTemplateElement>("#offline")?.content.firstElementChild;
    if (offline && !place.querySelector("[data-offline]")) place.append(offline.cloneNode(true));
  });
}
