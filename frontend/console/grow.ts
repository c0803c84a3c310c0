// `data-rows-grow`: when the last of its rows is written in, an empty one follows.

export function startGrowing(): void {
  document.addEventListener("input", (event) => {
    const rows = (event.target as Element).closest("[data-rows-grow]");
    const last = rows?.lastElementChild;
    if (!rows || !last?.contains(event.target as Node)) return;
    const next = last.cloneNode(true) as Element;
    const fields = next.matches("input, textarea") ? [next] : next.querySelectorAll("input, textarea");
    for (const field of fields) {
      (field as HTMLInputElement).value = "";
      field.removeAttribute("value");
      field.removeAttribute("id");
      field.classList.remove("is-invalid");
    }
    rows.append(next);
  });
}
