import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { Slots } from "../../operator/kube/slots.ts";
import { settle } from "./fake-clock.ts";

test("so many at a time, then in order of arrival, the urgent ones first", async () => {
  const slots = new Slots(2);
  const never = new AbortController().signal;
  const entered: string[] = [];
  const enter = (name: string, urgent: boolean) => void slots.take(never, () => urgent).then(() => entered.push(name));
  for (const name of ["a", "b", "c", "d"]) enter(name, false);
  enter("urgent", true);
  await settle();
  expect(entered).toEqual(["a", "b"]);
  for (let i = 0; i < 3; i += 1) slots.give();
  await settle();
  expect(entered).toEqual(["a", "b", "urgent", "c", "d"]);
  expect(getEventListeners(never, "abort")).toEqual([]);
});

test("who gives up takes no slot, before or while he waits", async () => {
  const slots = new Slots(1);
  const never = new AbortController().signal;
  await slots.take(never);
  const off = new AbortController();
  const given = slots.take(off.signal);
  off.abort(new Error("gave up"));
  await expect(given).rejects.toThrow("gave up");
  expect(() => slots.take(off.signal)).toThrow("gave up");
  slots.give();
  await slots.take(never);
});
