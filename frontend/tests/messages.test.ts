import { deepEqual, equal } from "node:assert/strict";
import test from "node:test";
import { seal, unseal } from "../widget/messages";

const parent = {} as Window;
const allowed = ["https://shop.example"];
const event = (data: unknown, source: unknown = parent, origin = "https://shop.example") => ({ data, source, origin }) as MessageEvent;

test("a message of the right window at a listed origin is read", () => {
  deepEqual(unseal(event(seal({ kind: "shown" })), parent, allowed), { kind: "shown" });
});

test("another window, another origin, a name that only begins alike: nothing", () => {
  const message = seal({ kind: "logout" });
  equal(unseal(event(message, {}), parent, allowed), null);
  equal(unseal(event(message, null), null, allowed), null);
  for (const origin of ["https://shop.example.evil.example", "http://shop.example", "null", ""]) {
    equal(unseal(event(message, parent, origin), parent, allowed), null);
  }
});

test("what other scripts of the page say is not ours", () => {
  for (const data of ["text", null, 1, {}, { frontdesk: null }, { frontdesk: { kind: 1 } }, { kind: "logout" }]) {
    equal(unseal(event(data), parent, allowed), null);
  }
});
