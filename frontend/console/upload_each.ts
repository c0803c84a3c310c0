// `form[data-upload-each]`: every file that is chosen or dropped, folders too, goes up alone, with a row of its own in
// `#uploads` made of the form's `<template data-row>`: how far it is, why it was refused, cancel, try again, skip.

const AT_ONCE = 3;

interface Item {
  file: File;
  form: HTMLFormElement;
  row: HTMLElement;
  request: XMLHttpRequest | null;
  takesTwins: boolean;
}

interface Answer {
  refused: { reason: string; twin: string }[];
}

const waiting: Item[] = [];
let running = 0;

export function startUploadsOfEach(): void {
  for (const label of document.querySelectorAll<HTMLElement>("form[data-upload-each] [data-folder]")) {
    const input = label.querySelector("input");
    if (!input) continue;
    input.webkitdirectory = true;
    label.hidden = false;
  }
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    const form = input.closest<HTMLFormElement>("form[data-upload-each]");
    if (!form || input.type !== "file") return;
    for (const file of input.files ?? []) add(form, file);
    input.value = "";
  });
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, (event) => handleDrag(event as DragEvent));
}

function handleDrag(event: DragEvent): void {
  const form = (event.target as Element).closest<HTMLFormElement>("form[data-upload-each]");
  if (!form || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.toggle("is-over", event.type === "dragover");
  if (event.type !== "drop") return;
  for (const item of event.dataTransfer.items) {
    const entry = item.webkitGetAsEntry();
    if (entry) walk(form, entry);
  }
}

/** Add a dropped file, or all that is in a dropped folder. A folder tells of its files in portions. */
function walk(form: HTMLFormElement, entry: FileSystemEntry): void {
  if (entry.isFile) (entry as FileSystemFileEntry).file((file) => add(form, file));
  if (!entry.isDirectory) return;
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const more = (): void =>
    reader.readEntries((entries) => {
      for (const one of entries) walk(form, one);
      if (entries.length > 0) more();
    });
  more();
}

function add(form: HTMLFormElement, file: File): void {
  const template = form.querySelector<HTMLTemplateElement>("template[data-row]");
  const row = template?.content.firstElementChild?.cloneNode(true) as HTMLElement;
  const item: Item = { file, form, row, request: null, takesTwins: false };
  part(row, "[data-name]").textContent = file.name;
  row.addEventListener("click", (event) => act(item, (event.target as HTMLElement).dataset["do"]));
  document.getElementById("uploads")?.append(row);
  queue(item);
}

function act(item: Item, what: string | undefined): void {
  if (what === "drop") item.row.remove();
  if (what === "cancel") {
    const place = waiting.indexOf(item);
    if (place >= 0) waiting.splice(place, 1);
    item.request?.abort();
    say(item, word("stopped"), ["again", "drop"]);
  }
  if (what === "again" || what === "take") {
    item.takesTwins = what === "take";
    queue(item);
  }
}

function queue(item: Item): void {
  say(item, word("waiting"), ["cancel"]);
  waiting.push(item);
  next();
}

function next(): void {
  while (running < AT_ONCE && waiting.length > 0) send(waiting.shift() as Item);
}

function send(item: Item): void {
  const data = new FormData(item.form);
  data.delete("files");
  data.append("files", item.file, item.file.name);
  if (item.takesTwins) data.set("twins", "take");
  const request = new XMLHttpRequest();
  item.request = request;
  running += 1;
  say(item, word("sending"), ["cancel"]);
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const progress = item.row.querySelector("progress");
    if (progress) progress.value = total ? loaded / total : 0;
  });
  request.addEventListener("loadend", () => {
    running -= 1;
    item.request = null;
    next();
  });
  request.addEventListener("error", () => say(item, word("lost"), ["again", "drop"]));
  request.addEventListener("load", () => finish(item, request));
  request.open("POST", item.form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(data);
}

function finish(item: Item, request: XMLHttpRequest): void {
  const isTold = request.getResponseHeader("Content-Type")?.startsWith("application/json") ?? false;
  if (request.status !== 200 || !isTold) {
    say(item, word("lost"), ["again", "drop"]);
    return;
  }
  const refused = (JSON.parse(request.responseText) as Answer).refused[0];
  if (!refused) say(item, word("sent"), ["drop"]);
  else if (refused.twin) say(item, `${refused.reason} (${refused.twin})`, ["take", "drop"]);
  else say(item, refused.reason, ["again", "drop"]);
}

/** Show where a file is, and the buttons that make sense there; focus never falls out of a row. */
function say(item: Item, text: string, buttons: string[]): void {
  const hadFocus = item.row.contains(document.activeElement);
  part(item.row, "[data-said]").textContent = text;
  for (const button of item.row.querySelectorAll<HTMLElement>("[data-do]")) button.hidden = !buttons.includes(button.dataset["do"] ?? "");
  if (hadFocus) item.row.querySelector<HTMLElement>("[data-do]:not([hidden])")?.focus();
}

function word(name: string): string {
  return document.getElementById("uploads")?.dataset[name] ?? "";
}

function part(row: HTMLElement, selector: string): HTMLElement {
  return row.querySelector<HTMLElement>(selector) as HTMLElement;
}
