// `data-select`: a list in which rows are ticked (`name=ids`), all of them by `data-select-all`, none by
// `data-select-none`. While any is ticked, `data-selected-bar` is shown, with their number in `data-selected-count`.
// A list that is read anew keeps its ticks. `data-select-matching` (a box) means all rows that match, on other pages too:
// it names the element that knows how many (`data-count`), and goes out when a row is not ticked any more.

export function startSelecting(): void {
  let ticked = new Set<string>();
  document.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement;
    const list = box.closest?.<HTMLElement>("[data-select]");
    if (!list) {
      if (box.matches?.("[data-select-matching]")) tell();
      return;
    }
    if (box.matches("[data-select-all]")) boxes(list).forEach((one) => (one.checked = box.checked));
    show(list);
  });
  document.addEventListener("click", (event) => {
    if (!(event.target as Element).closest("[data-select-none]")) return;
    const list = document.querySelector<HTMLElement>("[data-select]");
    if (list) boxes(list).forEach((one) => (one.checked = false));
    if (list) show(list);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const list = event.target as HTMLElement;
    if (list.matches("[data-select]")) ticked = new Set(boxes(list).filter((one) => one.checked).map((one) => one.value));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const list = event.target as HTMLElement;
    if (!list.matches("[data-select]")) return;
    boxes(list).forEach((one) => (one.checked = ticked.has(one.value)));
    show(list);
  });
}

function boxes(list: HTMLElement): HTMLInputElement[] {
  return [...list.querySelectorAll<HTMLInputElement>("input[name=ids]")];
}

function show(list: HTMLElement): void {
  const all = boxes(list);
  const count = all.filter((one) => one.checked).length;
  const bar = document.querySelector<HTMLElement>("[data-selected-bar]");
  if (bar) bar.hidden = count === 0;
  const matching = bar?.querySelector<HTMLInputElement>("[data-select-matching]");
  if (matching && count < all.length) matching.checked = false;
  tell(count);
  const top = list.querySelector<HTMLInputElement>("[data-select-all]");
  if (!top) return;
  top.checked = count > 0 && count === all.length;
  top.indeterminate = count > 0 && count < all.length;
}

function tell(count = document.querySelectorAll("[data-select] input[name=ids]:checked").length): void {
  const bar = document.querySelector("[data-selected-bar]");
  const matching = bar?.querySelector<HTMLInputElement>("[data-select-matching]:checked");
  const known = matching && document.querySelector<HTMLElement>(matching.dataset.selectMatching!)?.dataset.count;
  const number = bar?.querySelector("[data-selected-count]");
  if (number) number.textContent = known || String(count);
}
