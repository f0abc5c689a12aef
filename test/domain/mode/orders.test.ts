/** The override annotation: what it orders, and until when. */
import { expect, test } from "vitest";
import { parseOverride, wordsOf } from "../../../operator/domain/mode/orders.ts";
import { healthy } from "../deciding.ts";

const NOW = Date.parse("2026-06-01T12:00:00Z");

test.for<[string, string | undefined, string]>([
  ["none", undefined, "absent"],
  ["taken back by an empty value", " ", "absent"],
  ["Fallback", "Fallback until=2026-06-01T13:00:00Z", "active"],
  ["white space around it", "  Hold   until=2026-06-01T13:00:00+00:00 ", "active"],
  ["the last day of a leap year's February", "Hold until=2028-02-29T00:00:00Z", "active"],
  ["expired", "Hold until=2026-06-01T12:00:00Z", "expired"],
  ["misspelt, and expired by now", "Hodl until=2026-06-01T11:00:00Z", "expired"],
  ["misspelt", "Hodl until=2026-06-01T13:00:00Z", "invalid"],
  ["in small letters", "hold until=2026-06-01T13:00:00Z", "invalid"],
  ["no end", "Hold", "invalid"],
  ["an end without until=", "Hold 2026-06-01T13:00:00Z", "invalid"],
  ["a time without a zone", "Hold until=2026-06-01T13:00:00", "invalid"],
  ["an hour that no day has", "Hold until=2026-06-01T25:00:00Z", "invalid"],
  ["a day that no month has", "Hold until=2026-06-31T00:00:00Z", "invalid"],
  ["a month that no year has", "Hold until=2026-13-01T00:00:00Z", "invalid"],
  ["two ends", "Hold until=2026-06-01T13:00:00Z until=2026-06-01T14:00:00Z", "invalid"],
])("an override: %s", ([, value, is]) => {
  expect(parseOverride(value, NOW).is).toBe(is);
});

test.for<[string, string | undefined, boolean, string]>([
  ["it goes before the policy", "Fallback until=2030-01-01T00:00:00Z", false, "Fallback"],
  ["unreadable, it holds, whatever the policy", "Fallbak until=2030-01-01T00:00:00Z", false, "Hold"],
  ["expired, the policy counts", "Fallback until=2020-01-01T00:00:00Z", false, "Normal"],
  ["suspend goes before it", "Fallback until=2030-01-01T00:00:00Z", true, "Suspend"],
  ["suspend goes before one that cannot be read", "Fallbak", true, "Suspend"],
])("precedence: %s", ([, value, suspend, order]) => {
  const { facts } = healthy({ modePolicy: "Normal" });
  facts.group.spec.suspend = suspend;
  facts.group.annotations = { "holdfast.dev/override": value };
  const words = wordsOf(facts);
  expect([words.order, words.problem?.reason]).toEqual([
    order,
    value === "Fallbak" || order === "Hold" ? "OverrideInvalid" : undefined,
  ]);
});
