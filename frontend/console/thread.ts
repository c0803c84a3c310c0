// A conversation: the end of the thread stays in view, receipts stay open, and Enter sends what is written.
//
// `data-stick` scrolls; when its content is replaced while its end is in view, the new end is. `data-enter-sends` is a
// text field whose form is sent by Enter as its main button sends it. `data-clear` is a form that is empty once it is sent.

const NEAR_PX = 80;

export function startThreads(): void {
  document.querySelectorAll<HTMLElement>("[data-stick]").forEach(toEnd);
  let isAtEnd = true;
  let open: string[] = [];
  document.addEventListener("htmx:beforeSwap", () => {
    const place = document.querySelector<HTMLElement>("[data-stick]");
    isAtEnd = !place || place.scrollHeight - place.scrollTop - place.clientHeight < NEAR_PX;
    open = [...document.querySelectorAll("[data-stick] details[open]")].map((details) => details.id);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    const target = event.target as Element;
    const place = target.querySelector<HTMLElement>("[data-stick]") ?? target.closest<HTMLElement>("[data-stick]");
    if (place && (isAtEnd || target.contains(place) && target !== place)) toEnd(place);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>("form[data-clear]");
    if (form && (event as CustomEvent<{ successful: boolean }>).detail.successful) clear(form);
  });
  document.addEventListener("keydown", (event) => {
    const field = (event.target as Element).closest<HTMLTextAreaElement>("[data-enter-sends]");
    if (!field || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    field.form?.querySelector<HTMLButtonElement>("button.btn-primary")?.click(); // htmx sends the button that was pressed
  });
  document.addEventListener("input", (event) => grow(event.target as Element));
  // the event does not bubble
  document.addEventListener("toggle", (event) => {
    const details = event.target as HTMLDetailsElement;
    if (details.open && details.closest("[data-stick]")) details.scrollIntoView({ block: "nearest" });
  }, true);
}

const COMPOSING = 229; // Safari says only by this that Enter ends the input of a character

function toEnd(place: HTMLElement): void {
  place.scrollTop = place.scrollHeight;
}

function clear(form: HTMLFormElement): void {
  for (const field of form.querySelectorAll("textarea")) {
    field.value = "";
    grow(field);
  }
}

/** Give the field as many lines as its text has, within reason. */
function grow(field: Element): void {
  if (!(field instanceof HTMLTextAreaElement) || !field.matches("[data-enter-sends]")) return;
  field.rows = Math.min(Math.max(2, field.value.split("\n").length), 8);
}
