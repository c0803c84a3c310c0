import { deepEqual, equal } from "node:assert/strict";
import test from "node:test";
import { parseMarkdown } from "../widget/frame/markdown";

const text = (content: string) => ({ kind: "text", text: content });

test("paragraphs, line breaks and bold", () => {
  deepEqual(parseMarkdown("One **two**\nthree\n\nfour"), [
    { kind: "p", lines: [[text("One "), { kind: "bold", text: "two" }], [text("three")]] },
    { kind: "p", lines: [[text("four")]] },
  ]);
});

test("a list may have empty lines between its items and goes on where it began to count", () => {
  deepEqual(parseMarkdown("3. a\n\n4. b\n   more"), [{ kind: "ol", first: 3, items: [[text("a")], [text("b"), text(" "), text("more")]] }]);
});

test("the number of a source stands at the word before it", () => {
  deepEqual(parseMarkdown("until noon. [1][2, 3]"), [
    { kind: "p", lines: [[text("until noon."), { kind: "source", text: "1" }, { kind: "source", text: "2, 3" }]] },
  ]);
});

test("HTML, links and half-written marks stay the text that they are", () => {
  for (const written of ["<img src=x onerror=alert(1)>", "[here](javascript:alert(1))", "**half", "[1", "1.5 metres"]) {
    deepEqual(parseMarkdown(written), [{ kind: "p", lines: [[text(written)]] }]);
  }
  equal(parseMarkdown("").length, 0);
});
