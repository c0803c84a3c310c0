import { deepEqual, equal, ok } from "node:assert/strict";
import test from "node:test";
import { Conditions, countTicked } from "../console/builder_model";

const A = "0198c1de-7a10-7c7e-9b7e-51a5f3a10001";
const B = "0198c1de-7a10-7c7e-9b7e-51a5f3a10002";
const FILE = "0198c1de-7a10-7c7e-9b7e-51a5f3a10003";
const LABEL = "0198c1de-7a10-7c7e-9b7e-51a5f3a10004";

function read(value: unknown, readsAllFaqs = false): Conditions {
  const found = Conditions.read(JSON.stringify(value), readsAllFaqs);
  if (!found) throw new Error("unreadable");
  return found;
}

test("what is no object cannot be built on", () => {
  for (const text of ["[]", "7", "{", "null", '{"knowledge_bases": [7]}']) equal(Conditions.read(text), null);
  deepEqual(Conditions.read("")?.bases(), []);
});

test("both spellings and all forms of true are understood, and kept until they are changed", () => {
  const written = { knowledgeBases: [{ knowledgeBaseId: A.toUpperCase(), hasUserSelectedAll: "True" }], source: "web" };
  const found = read(written);
  deepEqual(found.clause(A), { files: "all", faqs: "all", labels: null });
  deepEqual(JSON.parse(found.text()), written);
});

test("a list of FAQs that is absent is all of them, an empty one none, unless the organization reads it as all", () => {
  const base = { knowledge_base_id: A };
  equal(read({ knowledge_bases: [base] }).clause(A)?.faqs, "all");
  equal(read({ knowledge_bases: [{ ...base, faq_ids: [] }] }).clause(A)?.faqs, "none");
  equal(read({ knowledge_bases: [{ ...base, faq_ids: [] }] }, true).clause(A)?.faqs, "all");
  deepEqual(read({ knowledge_bases: [{ ...base, faq_mode: "listed", faq_ids: [FILE] }] }).clause(A)?.faqs, [FILE]);
});

test("labels without a ticked file open the files that match, whether they are the base's own or the outer ones", () => {
  const labels = { operator: "AND", conditions: [{ label_id: LABEL }, { operator: "OR", conditions: [] }], applies_to: "all" };
  deepEqual(read({ knowledge_bases: [{ knowledge_base_id: A, label_relations: labels }] }).clause(A), { files: "all", faqs: "all", labels });
  equal(read({ knowledge_bases: [{ knowledge_base_id: A }], label_relations: labels }).clause(A)?.files, "all");
  equal(read({ knowledge_bases: [{ knowledge_base_id: A }] }).clause(A)?.files, "none");
});

test("a change writes one base, with what opens its FAQs in words, and leaves the rest alone", () => {
  const other = { knowledge_base_id: B, hasUserSelectedAll: 1 };
  const found = read({ knowledge_bases: [{ knowledge_base_id: A, faqIds: [], note: "ours" }, other] });
  found.set(A, { files: [FILE], faqs: "none", labels: null });
  deepEqual(JSON.parse(found.text()), {
    knowledge_bases: [
      { knowledge_base_id: A, has_user_selected_all: false, chatbot_file_ids: [FILE], faq_mode: "none", note: "ours" },
      other,
    ],
  });
  found.set(B, null);
  found.set(A, null);
  deepEqual(JSON.parse(found.text()), { knowledge_bases: [] });
});

test("a base that is listed twice is left to the JSON", () => {
  const found = read({ knowledge_bases: [{ knowledge_base_id: A }, { knowledge_base_id: A }] });
  ok(found.isRepeated(A));
  deepEqual(found.bases(), [A]);
  deepEqual([countTicked("all", 7), countTicked("none", 7), countTicked([FILE], 7)], [7, 0, 1]);
});
