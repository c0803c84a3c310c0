// `data-builder="id"`: a tree of knowledge bases with boxes, and conditions on labels, beside the JSON field with that id.
// The field is what is saved. A tick writes into it; what is typed into it shows in the tree. Each step can be undone.

import { fillLabels } from "./builder_labels";
import { type Chosen, type Clause, Conditions, countTicked, type Kind, type Relation } from "./builder_model";

const KINDS: Kind[] = ["file", "faq"];
const EVERYTHING: Clause = { files: "all", faqs: "all", labels: null };
const TYPING_PAUSE = 1000; // ms
const NOTHING: Clause = { files: "none", faqs: "none", labels: null };

export function startBuilders(): void {
  document.addEventListener("htmx:load", (event) => {
    const builders = (event.target as Element).querySelectorAll<HTMLElement>("[data-builder]");
    for (const root of builders) if (!root.dataset.started) new Builder(root);
  });
}

class Builder {
  private readonly field: HTMLTextAreaElement;
  private readonly past: string[] = [];
  private readonly future: string[] = [];
  private last: string;
  private typedAt = 0; // ms; 0: the last change was not typed
  private conditions: Conditions | null = null;

  constructor(private readonly root: HTMLElement) {
    root.dataset.started = "yes";
    root.hidden = false;
    this.field = document.getElementById(root.dataset.builder ?? "") as HTMLTextAreaElement;
    this.last = this.field.value;
    root.addEventListener("change", (event) => void this.tick(event.target as HTMLInputElement));
    root.addEventListener("click", (event) => void this.press((event.target as Element).closest<HTMLElement>("button")));
    this.listenToSearch(root.querySelector("[data-find]"));
    this.field.addEventListener("input", (event) => {
      if (event.isTrusted) this.noteTyping();
    });
    this.field.form?.addEventListener("keydown", (event) => this.handleKey(event));
    this.show();
  }

  private listenToSearch(search: HTMLElement | null): void {
    const find = debounce(() => void this.find());
    search?.addEventListener("input", (event) => {
      event.stopPropagation(); // a search is no change of the form
      find();
    });
    search?.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault(); // it would save
    });
  }

  // --- what is written ---

  /** Write into the field as if it were typed: who listens to it counts anew. */
  private write(text: string): void {
    this.field.value = text;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.note();
  }

  /** What is typed without a pause is one step. */
  private noteTyping(): void {
    const now = Date.now();
    this.note(now - this.typedAt < TYPING_PAUSE);
    this.typedAt = now;
  }

  /** Remember what the field said before, unless that was but the beginning of the same step. */
  private note(isSameStep = false): void {
    if (this.field.value === this.last) return;
    if (!isSameStep) this.past.push(this.last);
    this.typedAt = 0;
    this.future.length = 0;
    this.last = this.field.value;
    this.show();
  }

  private step(from: string[], to: string[]): void {
    const text = from.pop();
    if (text === undefined) return;
    to.push(this.last);
    this.typedAt = 0;
    this.last = text;
    this.field.value = text;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.show();
  }

  private handleKey(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target === this.field) return;
    event.preventDefault();
    if (event.shiftKey) this.step(this.future, this.past);
    else this.step(this.past, this.future);
  }

  private change(base: string, edit: (clause: Clause) => Clause | null): void {
    if (!this.conditions) return;
    this.conditions.set(base, edit(this.conditions.clause(base) ?? NOTHING));
    this.write(this.conditions.text());
  }

  // --- what is done in the tree ---

  private async tick(box: HTMLInputElement): Promise<void> {
    const base = box.closest<HTMLElement>("[data-base]")?.dataset.base;
    const what = box.dataset.tick;
    if (!base || !what) return;
    if (what === "base") this.change(base, () => (box.checked ? EVERYTHING : null));
    else if (what === "group") this.choose(base, kindOf(box), box.checked ? "all" : "none");
    else await this.tickOne(base, kindOf(box), box.value, box.checked);
  }

  private async tickOne(base: string, kind: Kind, id: string, isOn: boolean): Promise<void> {
    const clause = this.conditions?.clause(base) ?? NOTHING;
    let ids = kind === "file" ? clause.files : clause.faqs;
    if (ids === "all" && isOn) return;
    if (ids === "all") ids = await this.listAll(base, kind);
    const others = (ids === "none" ? [] : [...ids]).filter((one) => one !== id);
    this.choose(base, kind, isOn ? [...others, id] : others);
  }

  private choose(base: string, kind: Kind, chosen: Chosen): void {
    const clean = Array.isArray(chosen) && !chosen.length ? "none" : chosen;
    this.change(base, (clause) => {
      const next = kind === "file" ? { ...clause, files: clean } : { ...clause, faqs: clean };
      return next.files === "none" && next.faqs === "none" ? null : next;
    });
  }

  private async press(button: HTMLElement | null): Promise<void> {
    if (!button) return;
    if (button.matches("[data-undo]")) this.step(this.past, this.future);
    if (button.matches("[data-redo]")) this.step(this.future, this.past);
    if (button.matches("[data-open-nothing]")) this.write("{}");
    if (button.matches("[data-unset]")) this.write("");
    if (button.matches("[data-drop-outer]") && this.conditions) {
      this.conditions.removeOuter();
      this.write(this.conditions.text());
    }
    const base = button.closest<HTMLElement>("[data-base]");
    if (base && button.matches("[data-expand]")) await this.expand(base, button.getAttribute("aria-expanded") !== "true");
    if (base && button.matches("[data-more]")) await this.load(base, kindOf(button));
  }

  private async expand(base: HTMLElement, isOpen: boolean): Promise<void> {
    base.querySelector("[data-expand]")?.setAttribute("aria-expanded", String(isOpen));
    const inside = base.querySelector<HTMLElement>("[data-inside]");
    if (!inside) return;
    inside.hidden = !isOpen;
    if (isOpen) for (const kind of KINDS) if (!list(base, kind)?.childElementCount) await this.load(base, kind);
  }

  private async find(): Promise<void> {
    for (const base of this.bases()) {
      for (const kind of KINDS) list(base, kind)?.replaceChildren();
      await this.expand(base, true);
    }
  }

  /** Read the next documents of one kind. */
  private async load(base: HTMLElement, kind: Kind): Promise<void> {
    const place = list(base, kind);
    if (!place) return;
    const words = this.words();
    const offset = place.childElementCount;
    const query = new URLSearchParams({ q: words, offset: String(offset) });
    const found = await fetch(`/console/query-builder/${base.dataset.base}/${kind}?${query}`, { headers: { "HX-Request": "true" } });
    const text = await found.text();
    if (!found.ok || words !== this.words() || offset !== place.childElementCount) return; // something else is looked for by now
    const rows = document.createElement("template");
    rows.innerHTML = text; // ours: rendered and escaped by the server
    place.append(...[...rows.content.children].filter((one) => one.matches("li")));
    const more = base.querySelector<HTMLElement>(`[data-more][data-kind=${kind}]`);
    if (more) more.hidden = rows.content.querySelector("[data-has-more]") === null;
    this.show();
  }

  private words(): string {
    return this.root.querySelector<HTMLInputElement>("[data-find]")?.value.trim() ?? "";
  }

  private async listAll(base: string, kind: Kind): Promise<string[] | "all"> {
    const found = await fetch(`/console/query-builder/${base}/${kind}/ids`);
    const message = this.root.querySelector<HTMLElement>("[data-too-many]");
    if (message) message.hidden = found.ok;
    return found.ok ? ((await found.json()) as string[]) : "all";
  }

  // --- what is shown ---

  private bases(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>("[data-base]")];
  }

  private show(): void {
    this.conditions = Conditions.read(this.field.value, this.root.dataset.vendorFaqs === "true");
    this.root.toggleAttribute("inert", false);
    toggle(this.root, "[data-unreadable]", this.conditions !== null);
    this.root.querySelector("[data-undo]")?.toggleAttribute("disabled", !this.past.length);
    this.root.querySelector("[data-redo]")?.toggleAttribute("disabled", !this.future.length);
    toggle(this.root, "[data-unsaved]", this.field.value === this.field.defaultValue);
    for (const base of this.bases()) this.showBase(base);
    if (!this.conditions) return;
    const offered = new Set(this.bases().map((base) => base.dataset.base));
    const others = this.conditions.bases().filter((base) => !offered.has(base));
    toggle(this.root, "[data-others]", !others.length);
    const count = this.root.querySelector("[data-others-count]");
    if (count) count.textContent = String(others.length);
    toggle(this.root, "[data-outer]", this.conditions.outer() === null);
  }

  private showBase(base: HTMLElement): void {
    const id = base.dataset.base ?? "";
    const clause = this.conditions?.clause(id) ?? null;
    const isFixed = !this.conditions || this.conditions.isRepeated(id);
    toggle(base, "[data-repeated]", !this.conditions?.isRepeated(id));
    const parts = KINDS.map((kind) => this.showKind(base, kind, clause, isFixed));
    const whole = base.querySelector<HTMLInputElement>("[data-tick=base]");
    if (whole) {
      whole.checked = clause !== null && clause.files === "all" && clause.faqs === "all";
      whole.indeterminate = clause !== null && !whole.checked;
      whole.disabled = isFixed;
    }
    const said = base.querySelector("[data-said]");
    if (said) said.textContent = this.tell(clause, parts);
    this.showLabels(base, id, clause, isFixed);
  }

  private tell(clause: Clause | null, parts: [number, number][]): string {
    const { all = "", matching = "", some = "" } = this.root.dataset;
    if (clause && (clause.labels ?? this.conditions?.outer())) return matching;
    if (clause?.files === "all" && clause.faqs === "all") return all;
    const [ticked, whole] = [0, 1].map((at) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0));
    return some.replace("{ticked}", String(ticked)).replace("{all}", String(whole));
  }

  private showKind(base: HTMLElement, kind: Kind, clause: Clause | null, isFixed: boolean): [number, number] {
    const chosen: Chosen = clause ? (kind === "file" ? clause.files : clause.faqs) : "none";
    const all = Number(base.querySelector<HTMLElement>(`[data-count-of=${kind}]`)?.dataset.count ?? 0);
    const ticked = countTicked(chosen, all);
    const group = base.querySelector<HTMLInputElement>(`[data-tick=group][data-kind=${kind}]`);
    if (group) {
      group.checked = chosen === "all";
      group.indeterminate = chosen !== "all" && chosen !== "none";
      const isByLabel = kind === "file" && chosen === "all" && Boolean(clause?.labels ?? this.conditions?.outer());
      group.disabled = isFixed || isByLabel; // labels open files unless single ones are ticked
    }
    const ids = new Set(Array.isArray(chosen) ? chosen : []);
    for (const box of list(base, kind)?.querySelectorAll<HTMLInputElement>("input") ?? []) {
      box.checked = chosen === "all" || ids.has(box.value);
      box.disabled = isFixed;
    }
    return [ticked, all];
  }

  private showLabels(base: HTMLElement, id: string, clause: Clause | null, isFixed: boolean): void {
    const place = base.querySelector<HTMLElement>("[data-labels]");
    if (!place) return;
    place.hidden = isFixed;
    const parts = document.getElementById("builder-parts") as HTMLTemplateElement | null;
    if (!parts || isFixed) return;
    const names = [...base.querySelectorAll<HTMLOptionElement>("[data-label-names] option")];
    fillLabels(place, parts, new Map(names.map((one) => [one.value, one.text])), clause?.labels ?? null, (labels) =>
      this.change(id, (now) => withLabels(now, labels)),
    );
  }
}

/** A base that was closed and gets a label opens whatever has the label. */
function withLabels(clause: Clause, labels: Relation | null): Clause {
  const isClosed = clause.files === "none" && clause.faqs === "none";
  return labels && isClosed ? { ...EVERYTHING, labels } : { ...clause, labels };
}

function list(base: HTMLElement, kind: Kind): HTMLElement | null {
  return base.querySelector<HTMLElement>(`[data-list=${kind}]`);
}

function kindOf(element: HTMLElement): Kind {
  return element.dataset.kind === "faq" ? "faq" : "file";
}

function toggle(root: HTMLElement, selector: string, isHidden: boolean): void {
  const found = root.querySelector<HTMLElement>(selector);
  if (found) found.hidden = isHidden;
}

function debounce(work: () => void): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(work, 300);
  };
}

