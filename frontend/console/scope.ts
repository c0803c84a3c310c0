// `data-scope="id"`: boxes for knowledge bases and their labels write the conditions into the JSON field with that id.
// They show what the field says as far as boxes can say it; whatever else stands there stays until a box is ticked.

interface Clause {
  knowledge_base_id: string;
  has_user_selected_all: true;
  faq_mode: "all";
  label_relations?: { operator: "OR"; conditions: { label_id: string }[]; applies_to: "all" };
}

export function startScopes(): void {
  document.addEventListener("htmx:load", (event) => (event.target as Element).querySelectorAll<HTMLElement>("[data-scope]").forEach(show));
  document.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement;
    const boxes = box.closest?.<HTMLElement>("[data-scope]");
    if (!boxes) return;
    const base = box.closest<HTMLElement>("[data-base]");
    if (box.checked && base) for (const other of base.querySelectorAll<HTMLInputElement>("input")) if (other !== box && (box.matches("[data-all]") || other.matches("[data-all]"))) other.checked = false;
    write(boxes, { knowledge_bases: read(boxes) });
  });
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest("[data-nothing], [data-unset]");
    const boxes = button?.closest<HTMLElement>("[data-scope]");
    if (!button || !boxes) return;
    boxes.querySelectorAll<HTMLInputElement>("input").forEach((box) => (box.checked = false));
    write(boxes, button.matches("[data-unset]") ? null : {});
  });
  document.addEventListener("input", (event) => {
    const field = event.target as HTMLElement;
    const boxes = field.id && event.isTrusted ? document.querySelector<HTMLElement>(`[data-scope="${CSS.escape(field.id)}"]`) : null;
    if (boxes) show(boxes);
  });
}

function field(boxes: HTMLElement): HTMLTextAreaElement {
  return document.getElementById(boxes.dataset.scope ?? "") as HTMLTextAreaElement;
}

function write(boxes: HTMLElement, value: object | null): void {
  const text = field(boxes);
  text.value = value === null ? "" : JSON.stringify(value, null, 2);
  custom(boxes, false);
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The conditions that the boxes say. */
function read(boxes: HTMLElement): Clause[] {
  const clauses: Clause[] = [];
  for (const base of boxes.querySelectorAll<HTMLElement>("[data-base]")) {
    const clause: Clause = { knowledge_base_id: base.dataset.base ?? "", has_user_selected_all: true, faq_mode: "all" };
    const labels = [...base.querySelectorAll<HTMLInputElement>("[data-label]:checked")];
    if (labels.length) {
      const conditions = labels.map((label) => ({ label_id: label.dataset.label ?? "" }));
      clause.label_relations = { operator: "OR", conditions, applies_to: "all" };
    }
    if (labels.length || base.querySelector("[data-all]:checked")) clauses.push(clause);
  }
  return clauses;
}

/** Tick what the field says; if that is not all of it, say so. */
function show(boxes: HTMLElement): void {
  boxes.hidden = false;
  let value: { knowledge_bases?: Partial<Clause>[] } = {};
  try {
    value = JSON.parse(field(boxes).value || "{}") as typeof value;
  } catch {
    custom(boxes, true);
    return;
  }
  const clauses = Array.isArray(value?.knowledge_bases) ? value.knowledge_bases : [];
  for (const base of boxes.querySelectorAll<HTMLElement>("[data-base]")) {
    const clause = clauses.find((one) => one?.knowledge_base_id === base.dataset.base);
    const wanted = new Set(clause?.label_relations?.conditions?.map((one) => one.label_id));
    base.querySelectorAll<HTMLInputElement>("[data-label]").forEach((box) => (box.checked = wanted.has(box.dataset.label ?? "")));
    const all = base.querySelector<HTMLInputElement>("[data-all]");
    if (all) all.checked = clause?.has_user_selected_all === true && !clause.label_relations;
  }
  const said = read(boxes);
  custom(boxes, JSON.stringify(sorted(said.length || value.knowledge_bases ? { knowledge_bases: said } : {})) !== JSON.stringify(sorted(value)));
}

function custom(boxes: HTMLElement, is: boolean): void {
  boxes.querySelector<HTMLElement>("[data-custom]")?.toggleAttribute("hidden", !is);
}

/** The same value whatever the order of keys, of bases and of labels. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)).map(([key, part]) => [key, sorted(part)]));
}
