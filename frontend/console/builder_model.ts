// Query metadata as the builder understands it. What the builder does not change stays as it was written: other keys, other
// spellings, bases that it does not show. Pure: no page is touched here.

export type Kind = "file" | "faq";
export type Chosen = "all" | "none" | readonly string[];
export interface Label {
  label_id: string;
}
export interface Relation {
  operator: "AND" | "OR";
  conditions: (Label | Relation)[];
  applies_to?: "files" | "all";
}

/** What is open of one knowledge base. Without a ticked file, labels open all files that match. */
export interface Clause {
  files: Chosen;
  faqs: Chosen;
  labels: Relation | null;
}

type Json = Record<string, unknown>;

const KEYS = ["knowledge_base_id", "has_user_selected_all", "chatbot_file_ids", "faq_mode", "faq_ids", "label_relations"];

export class Conditions {
  private constructor(
    private readonly top: Json,
    private readonly readsAllFaqs: boolean,
  ) {}

  /** Read a field; null when it holds no JSON object. An empty field says nothing, like `{}` without its meaning. */
  static read(text: string, readsAllFaqs = false): Conditions | null {
    try {
      const top: unknown = text.trim() ? JSON.parse(text) : {};
      return isObject(top) && clausesOf(top).every(isObject) ? new Conditions(top, readsAllFaqs) : null;
    } catch {
      return null;
    }
  }

  text(): string {
    return JSON.stringify(this.top, null, 2);
  }

  /** The ids of the bases that are listed, each once. */
  bases(): string[] {
    return [...new Set(clausesOf(this.top).map(baseOf))];
  }

  /** Whether a base is listed more than once: that is for the JSON alone to change. */
  isRepeated(base: string): boolean {
    return clausesOf(this.top).filter((one) => baseOf(one) === base).length > 1;
  }

  /** The relation that narrows every base without its own. */
  outer(): Relation | null {
    return relationOf(this.top);
  }

  removeOuter(): void {
    for (const key of spellings("label_relations")) delete this.top[key];
  }

  clause(base: string): Clause | null {
    const raw = clausesOf(this.top).find((one) => baseOf(one) === base);
    if (!raw) return null;
    const labels = relationOf(raw);
    const isAll = isTrue(value(raw, "has_user_selected_all"));
    const files = idsOf(value(raw, "chatbot_file_ids"));
    const isByLabel = (labels ?? this.outer()) !== null;
    return {
      files: isAll || (!files?.length && isByLabel) ? "all" : files?.length ? files : "none",
      faqs: this.faqsOf(raw, isAll),
      labels,
    };
  }

  private faqsOf(raw: Json, isAll: boolean): Chosen {
    const mode = value(raw, "faq_mode");
    const ids = idsOf(value(raw, "faq_ids"));
    if (mode === "all" || mode === "none") return mode;
    if (mode === "listed") return ids?.length ? ids : "none";
    if (isAll || ids === null || (this.readsAllFaqs && !ids.length)) return "all";
    return ids.length ? ids : "none";
  }

  /** Say what is open of a base; null takes it off the list. */
  set(base: string, clause: Clause | null): void {
    const listed = clausesOf(this.top);
    const [key, ...others] = spellings("knowledge_bases") as [string, string];
    for (const other of others) delete this.top[other]; // two spellings that differ would be refused
    const place = listed.findIndex((one) => baseOf(one) === base);
    const written = clause && write(base, clause, listed[place]);
    if (place < 0) this.top[key] = written ? [...listed, written] : listed;
    else this.top[key] = listed.flatMap((one, index) => (index !== place ? [one] : written ? [written] : []));
  }
}

export function countTicked(chosen: Chosen, whole: number): number {
  return chosen === "all" ? whole : chosen === "none" ? 0 : chosen.length;
}

export function isRelation(one: Label | Relation): one is Relation {
  return "operator" in one;
}

function write(base: string, clause: Clause, old: Json | undefined): Json {
  const others = Object.entries(old ?? {}).filter(([key]) => !KEYS.some((known) => spellings(known).includes(key)));
  return {
    knowledge_base_id: base,
    has_user_selected_all: clause.files === "all",
    ...(clause.files === "all" ? {} : { chatbot_file_ids: clause.files === "none" ? [] : clause.files }),
    faq_mode: Array.isArray(clause.faqs) ? "listed" : clause.faqs,
    ...(Array.isArray(clause.faqs) ? { faq_ids: clause.faqs } : {}),
    ...(clause.labels ? { label_relations: clause.labels } : {}),
    ...Object.fromEntries(others),
  };
}

function clausesOf(top: Json): Json[] {
  const listed = value(top, "knowledge_bases");
  return Array.isArray(listed) ? (listed as Json[]) : [];
}

function baseOf(clause: Json): string {
  return String(value(clause, "knowledge_base_id") ?? "").toLowerCase();
}

function relationOf(raw: Json): Relation | null {
  const relation = value(raw, "label_relations");
  return isObject(relation) ? readRelation(relation, true) : null;
}

function readRelation(raw: Json, isOutermost: boolean): Relation {
  const listed = value(raw, "conditions");
  const conditions = (Array.isArray(listed) ? listed.filter(isObject) : []).map((one) =>
    value(one, "label_id") === undefined ? readRelation(one, false) : { label_id: String(value(one, "label_id")).toLowerCase() },
  );
  const operator = value(raw, "operator") === "AND" ? "AND" : "OR";
  const target = value(raw, "applies_to") === "all" ? "all" : "files";
  return isOutermost ? { operator, conditions, applies_to: target } : { operator, conditions };
}

function idsOf(raw: unknown): string[] | null {
  return Array.isArray(raw) ? raw.map((one) => String(one).toLowerCase()) : null;
}

function isTrue(raw: unknown): boolean {
  return raw === true || raw === 1 || ["true", "1"].includes(typeof raw === "string" ? raw.toLowerCase() : "");
}

function isObject(raw: unknown): raw is Json {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

/** Null and absent mean the same. */
function value(raw: Json, key: string): unknown {
  const spelling = spellings(key).find((one) => raw[one] !== undefined && raw[one] !== null);
  return spelling === undefined ? undefined : raw[spelling];
}

function spellings(key: string): string[] {
  return [key, key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())];
}
