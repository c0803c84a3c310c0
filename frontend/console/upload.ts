// `form[data-upload]`, an htmx form with `hx-encoding="multipart/form-data"`: shows how far it is in its `<progress>`,
// sends as soon as files are chosen, and takes files that are dropped on it.

import { startUploadsOfEach } from "./upload_each";

export function startUploads(): void {
  startUploadsOfEach();
  document.addEventListener("htmx:xhr:progress", (event) => {
    const { loaded, total, lengthComputable } = (event as CustomEvent<ProgressEvent>).detail;
    const progress = findForm(event)?.querySelector("progress");
    if (!progress || !lengthComputable) return;
    progress.hidden = false;
    progress.max = total;
    progress.value = loaded;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = findForm(event);
    const progress = form?.querySelector("progress");
    if (progress) progress.hidden = true;
    if (form && (event as CustomEvent<{ successful: boolean }>).detail.successful) form.reset();
  });
  document.addEventListener("change", (event) => {
    if ((event.target as Element).matches("form[data-upload] input[type=file]")) findForm(event)?.requestSubmit();
  });
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, (event) => handleDrag(event as DragEvent));
}

function handleDrag(event: DragEvent): void {
  const form = findForm(event);
  if (!form || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.toggle("is-over", event.type === "dragover");
  const input = form.querySelector<HTMLInputElement>("input[type=file]");
  if (event.type !== "drop" || !input) return;
  input.files = event.dataTransfer.files;
  form.requestSubmit();
}

function findForm(event: Event): HTMLFormElement | null {
  return (event.target as Element).closest<HTMLFormElement>("form[data-upload]");
}
