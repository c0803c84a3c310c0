// Conditions on labels as nested groups: "all of" or "any of", each with labels and further groups.

import { isRelation, type Label, type Relation } from "./builder_model";

type Save = (labels: Relation | null) => void;

const EMPTY: Relation = { operator: "OR", conditions: [], applies_to: "all" };

/** Show the conditions of one base; `save` is called with what they become. `parts` holds the pieces, with their words. */
export function fillLabels(place: HTMLElement, parts: HTMLTemplateElement, names: Map<string, string>, labels: Relation | null, save: Save): void {
  const hadFocus = place.contains(document.activeElement) ? document.activeElement?.getAttribute("data-at") : null;
  if (!labels) {
    const add = piece(parts, "add");
    add.querySelector("button")?.addEventListener("click", () => save(EMPTY));
    place.replaceChildren(add);
  } else {
    const target = piece(parts, "target");
    const select = target.querySelector("select");
    if (select) {
      select.value = labels.applies_to ?? "files";
      select.addEventListener("change", () => save({ ...labels, applies_to: select.value === "all" ? "all" : "files" }));
    }
    const group = renderGroup(parts, names, labels, "0", (changed) => save(changed && { ...changed, applies_to: labels.applies_to ?? "files" }));
    place.replaceChildren(target, group);
  }
  if (hadFocus) place.querySelector<HTMLElement>(`[data-at="${CSS.escape(hadFocus)}"]`)?.focus();
}

function renderGroup(parts: HTMLTemplateElement, names: Map<string, string>, group: Relation, at: string, save: Save): HTMLElement {
  const shown = piece(parts, "group");
  const name = `builder-${at}-${Math.random()}`; // each group's own
  for (const radio of shown.querySelectorAll<HTMLInputElement>("input[type=radio]")) {
    radio.name = name;
    radio.checked = radio.value === group.operator;
    radio.dataset.at = `${at}-${radio.value}`;
    radio.addEventListener("change", () => save({ ...group, operator: radio.value === "AND" ? "AND" : "OR" }));
  }
  const list = shown.querySelector("ul");
  group.conditions.forEach((one, index) => list?.append(renderCondition(parts, names, group, one, index, at, save)));
  const choice = shown.querySelector<HTMLSelectElement>("[data-add-label]");
  if (choice) {
    choice.dataset.at = `${at}-label`;
    for (const [id, name] of names) choice.append(new Option(name, id));
    choice.addEventListener("change", () => save({ ...group, conditions: [...group.conditions, { label_id: choice.value }] }));
  }
  const more = shown.querySelector<HTMLElement>("[data-add-group]");
  if (more) {
    more.dataset.at = `${at}-group`;
    const added: Relation = { operator: group.operator === "AND" ? "OR" : "AND", conditions: [] };
    more.addEventListener("click", () => save({ ...group, conditions: [...group.conditions, added] }));
  }
  shown.querySelector("[data-remove]")?.addEventListener("click", () => save(null));
  return shown;
}

function renderCondition(
  parts: HTMLTemplateElement,
  names: Map<string, string>,
  group: Relation,
  one: Label | Relation,
  index: number,
  at: string,
  save: Save,
): HTMLElement {
  const replace = (other: Label | Relation | null) =>
    save({ ...group, conditions: group.conditions.flatMap((old, place) => (place !== index ? [old] : other ? [other] : [])) });
  const item = document.createElement("li");
  if (isRelation(one)) {
    item.append(renderGroup(parts, names, one, `${at}.${index}`, replace));
    return item;
  }
  const label = piece(parts, "label");
  const name = label.querySelector("[data-name]");
  if (name && names.has(one.label_id)) name.textContent = names.get(one.label_id) ?? "";
  label.querySelector("button")?.addEventListener("click", () => replace(null));
  item.append(label);
  return item;
}

function piece(parts: HTMLTemplateElement, name: string): HTMLElement {
  const found = parts.content.querySelector(`[data-part=${name}]`);
  if (!found) throw new Error(name);
  return found.cloneNode(true) as HTMLElement;
}
