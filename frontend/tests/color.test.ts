import { equal, ok } from "node:assert/strict";
import test from "node:test";
import { inkOn, parseColor, readableOn } from "../widget/color";

test("only what can be reckoned with is a colour", () => {
  equal(parseColor("#Ab3"), "#AAbb33");
  equal(parseColor("#1e5bb8"), "#1e5bb8");
  for (const other of ["red", "#12", "#1e5bb8ff", "url(x)", "#12345g", "", null]) equal(parseColor(other), null);
});

test("text on a light colour is dark, on a dark colour light", () => {
  equal(inkOn("#ffd24d"), "#14181f");
  equal(inkOn("#2f5d50"), "#ffffff");
});

test("a colour that reads well is left alone, a pale one is darkened on white and brightened on black", () => {
  equal(readableOn("#ffffff", "#1e5bb8"), "#1e5bb8");
  ok(readableOn("#ffffff", "#ffd24d") < "#ffd24d");
  ok(readableOn("#171c23", "#14301f") > "#14301f");
});
