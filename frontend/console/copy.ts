// `data-copy="text"`: a press copies the text and says so by a tick for a moment.

const SHOWN_MS = 1500;

export function startCopying(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
    if (button) void copy(button);
  });
}

async function copy(button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
  } catch {
    copyBySelection(button.dataset.copy ?? "");
  }
  const use = button.querySelector("use");
  const address = use?.getAttribute("href");
  if (!use || !address || button.classList.contains("is-done")) return;
  button.classList.add("is-done");
  use.setAttribute("href", address.replace(/#.*/, "#check"));
  setTimeout(() => {
    button.classList.remove("is-done");
    use.setAttribute("href", address);
  }, SHOWN_MS);
}

/** The clipboard is closed to pages without https. */
function copyBySelection(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
