import { expect, test } from "vitest";
import { type Selector, selectorKeys, selects } from "../../../operator/domain/values/selector.ts";

const LABELS = { app: "web", tier: "front" };
const where = (key: string, operator: string, ...values: string[]): Selector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }],
});

test.for<[string, Selector, boolean]>([
  ["an empty one selects all", {}, true],
  ["empty parts do, too", { matchLabels: {}, matchExpressions: [] }, true],
  ["one label", { matchLabels: { app: "web" } }, true],
  ["another value", { matchLabels: { app: "db" } }, false],
  ["one of two is missing", { matchLabels: { app: "web", zone: "a" } }, false],
  ["a name that objects inherit", { matchLabels: { constructor: "Object" } }, false],
  ["in a list", where("app", "In", "db", "web"), true],
  ["not in the list", where("app", "In", "db"), false],
  ["in a list, without the label", where("zone", "In", "a"), false],
  ["NotIn", where("app", "NotIn", "db"), true],
  ["NotIn, and it is", where("app", "NotIn", "web"), false],
  ["NotIn, without the label", where("zone", "NotIn", "a"), true],
  ["Exists", where("app", "Exists"), true],
  ["Exists, without the label", where("zone", "Exists"), false],
  ["DoesNotExist", where("zone", "DoesNotExist"), true],
  ["DoesNotExist, and it does", where("app", "DoesNotExist"), false],
  ["labels and expressions must both hold", { matchLabels: { app: "web" }, ...where("tier", "In", "back") }, false],
  ["an operator that nobody knows", where("app", "Like", "web"), false],
])("%s", ([, selector, expected]) => {
  expect(selects(selector, LABELS)).toBe(expected);
});

test("its keys are those of both parts", () => {
  expect(selectorKeys({ matchLabels: { a: "1" }, ...where("b", "Exists") })).toEqual(["a", "b"]);
});
