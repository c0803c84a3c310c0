// The little Markdown that answers are written in: paragraphs, lists, bold, and the numbers of sources. Everything else,
// HTML and links above all, stays the text that it is.

import { make } from "./dom";

export type Inline = { kind: "text" | "bold" | "source"; text: string };
export type Block = Paragraph | List;

interface Paragraph {
  kind: "p";
  lines: Inline[][];
}

interface List {
  kind: "ul" | "ol";
  items: Inline[][];
  first: number;
}

const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBER = /^\s*(\d{1,3})[.)]\s+(.*)$/;

/** Split `text` into blocks. Never fails: what is not understood is text. */
export function parseMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  let isClosed = true; // an empty line came, or nothing yet
  const enter = <Entered extends Block>(block: Entered): Entered => {
    blocks.push(block);
    return block;
  };
  for (const line of text.split(/\r?\n/)) {
    const last = blocks.at(-1);
    const item = parseItem(line);
    if (item) {
      const list = last && last.kind === item.kind ? last : enter({ kind: item.kind, items: [], first: item.number });
      list.items.push(parseInline(item.text)); // an empty line between two items does not end the list
    } else if (line.trim()) {
      const heading = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
      const words: Inline[] = heading ? [{ kind: "bold", text: heading }] : parseInline(line.trim());
      if (heading) enter({ kind: "p", lines: [words] });
      else if (last && last.kind !== "p" && !isClosed && /^\s{2,}/.test(line)) {
        last.items.at(-1)?.push({ kind: "text", text: " " }, ...words);
      } else {
        (last?.kind === "p" && !isClosed ? last : enter({ kind: "p", lines: [] })).lines.push(words);
      }
    }
    isClosed = !line.trim();
  }
  return blocks;
}

function parseItem(line: string): { kind: "ul" | "ol"; text: string; number: number } | null {
  const bullet = BULLET.exec(line);
  if (bullet) return { kind: "ul", text: bullet[1] ?? "", number: 1 };
  const number = NUMBER.exec(line);
  return number ? { kind: "ol", text: number[2] ?? "", number: Number(number[1]) } : null;
}

function parseInline(line: string): Inline[] {
  const parts = line.split(/(\*\*[^*]+\*\*|\s*\[\d{1,2}(?:\s*,\s*\d{1,2})*\])/);
  return parts.filter(Boolean).map((part): Inline => {
    if (part.startsWith("**") && part.endsWith("**") && part.length > 4) return { kind: "bold", text: part.slice(2, -2) };
    if (/^\s*\[[\d\s,]+\]$/.test(part)) return { kind: "source", text: part.trim().slice(1, -1) };
    return { kind: "text", text: part };
  });
}

/** Return the elements for `text`. */
export function renderMarkdown(text: string): Node[] {
  return parseMarkdown(text).map((block) => {
    if (block.kind === "p") return make("p", {}, ...block.lines.flatMap((line, i) => [i ? make("br") : null, ...line.map(renderInline)]));
    const list = make(block.kind, {}, ...block.items.map((item) => make("li", {}, ...item.map(renderInline))));
    if (block.kind === "ol" && block.first !== 1) list.setAttribute("start", String(block.first));
    return list;
  });
}

function renderInline(part: Inline): Node {
  if (part.kind === "bold") return make("strong", {}, part.text);
  if (part.kind === "source") return make("sup", {}, part.text);
  return document.createTextNode(part.text);
}
