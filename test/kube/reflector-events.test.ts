/** What an event makes of the store, and what its handler is told. */
import { expect, test } from "vitest";
import { bench, configMap, event } from "./reflector-bench.ts";

test("the same name with another uid is an end and a beginning, not a change", async () => {
  const { start, world, paint, changes, eventually, informer } = await bench();
  paint("one", "red");
  await start();
  const lost = world.objects.get("a/one");
  world.objects.delete("a/one");
  expect(lost).toBeDefined();
  paint("one", "blue", "uid-second");
  await eventually("told", () => changes.length === 3);
  expect(changes).toEqual(["a/one ->red", "a/one red>-", "a/one ->blue"]);
  expect(informer.store.get("a/one")?.uid).toBe("uid-second");
  expect(informer.store.byIndex("color", "red")).toEqual([]);
});

test("an event told twice is one change", async () => {
  const { start, world, paint, changes, eventually } = await bench();
  await start();
  const one = paint("one", "red");
  world.say(event("ADDED", one));
  world.say(event("MODIFIED", one));
  paint("two", "red");
  await eventually("both", () => changes.includes("a/two ->red"));
  expect(changes).toEqual(["a/one ->red", "a/two ->red"]);
});

test("lines may be cut anywhere, inside a character too", async () => {
  const { start, world, eventually, cached } = await bench();
  await start();
  const bytes = Buffer.from(event("ADDED", { ...configMap("one", world.version + 1), data: { color: "grün" } }));
  const cut = bytes.indexOf("grün") + 3; // in the middle of the ü
  // @ts-expect-error bytes, not text: half a character has no text
  world.say(bytes.subarray(0, cut));
  await new Promise((resolve) => setTimeout(resolve, 10));
  // @ts-expect-error as above
  world.say(bytes.subarray(cut));
  await eventually("the event", () => cached()["a/one"] === "grün");
});

test("a handler that throws is told in the log and hurts nobody", async () => {
  const { start, paint, same, eventually, logs } = await bench({
    onChange: () => {
      throw new Error("handler broke");
    },
  });
  await start();
  paint("one", "red");
  paint("two", "blue");
  await eventually("the store follows", same);
  expect(logs.filter((line) => line.includes("handler broke")).length).toBe(2);
});

test("what is cached cannot be changed by those who read it", async () => {
  const { start, paint, informer } = await bench();
  paint("one", "red");
  await start();
  const value = informer.store.get("a/one")?.value as { color: string };
  expect(() => {
    value.color = "blue";
  }).toThrow(TypeError);
});
