/** A person's word is used up, and an event told, by the step that was done and by no other. */
import { expect, test } from "vitest";
import type { Step } from "../../operator/domain/plan.ts";
import { apply, create, event, type Loose, live, removal, STATUS, scale, withHash, world } from "./acting.ts";

const WORDS = { restartedAt: "now", rehearsedAt: "now" };
const outcomes: [string, (w: ReturnType<typeof world>) => unknown, boolean][] = [
  ["done", () => undefined, true],
  ["there already", (w) => w.store.set("ConfigMap/edge", live("ConfigMap", "edge")), true],
  ["refused", (w) => w.fail("create ConfigMap", "Forbidden"), false],
  ["changed under our hands", (w) => w.fail("create ConfigMap", "Conflict"), false],
  ["out of reach", (w) => w.fail("create ConfigMap", "Timeout"), false],
];
test.for(outcomes)("a word of a person is used up only by the step that carries it: %s", async ([, change, used]) => {
  const w = world();
  change(w);
  const step: Step = { ...apply("ConfigMap"), carries: "restartedAt" };
  await w.run([step], { status: { ...STATUS, summary: "after", ...WORDS } });
  expect(w.bodies.at(-1)).toEqual({
    ...STATUS,
    summary: "after",
    ...WORDS,
    ...(used ? {} : { restartedAt: undefined }),
  });
});

test("a word whose step was never reached, refused by dry-run or not, stays what it was", async () => {
  const { run, bodies, refuse } = world([live("Deployment", "edge", withHash("old"))]);
  refuse("violates PodSecurity");
  const step: Step = { ...apply("Deployment", "edge", withHash("new")), carries: "restartedAt" };
  await run([step], { status: { ...STATUS, summary: "after", ...WORDS } });
  expect(bodies.at(-1)).not.toHaveProperty("restartedAt");
});

test("a trouble elsewhere uses no word up, and gives none back", async () => {
  const { run, fail, bodies } = world();
  fail("create Service", "Forbidden");
  await run([apply("Service"), { ...apply("ConfigMap"), carries: "restartedAt" }], { status: { ...STATUS, ...WORDS } });
  expect(bodies.at(-1)).toMatchObject(WORDS);
});

test.for<[string, Step, (w: ReturnType<typeof world>) => unknown, string[]]>([
  ["done", scale(3), () => undefined, ["Scaled"]],
  ["abandoned", scale(2, { minServingAfter: 2, staying: ["x"] }), () => undefined, []],
  ["refused", scale(3), (w) => w.fail("scale", "Forbidden"), []],
  ["changed under our hands", scale(3), (w) => w.fail("scale", "Conflict"), []],
  ["gone already", removal("cfg"), () => undefined, []],
])("what is told of a step is told when it is done: %s", async ([, step, change, told]) => {
  const w = world([live("Deployment", "edge")]);
  change(w);
  await w.run([{ ...step, events: [event("Scaled")] }], { events: [event("Proven")] });
  expect(w.emitted).toEqual([...told, "Proven"].map((reason) => `GatewayGroup ${reason}`));
});

test("what was done is told, too, when a stranger's object ends the plan or the status cannot be written", async () => {
  const { run, store, emitted, fail } = world([live("Deployment", "edge")]);
  store.set("Service/edge", live("Service", "edge", { metadata: { labels: {} } }));
  const told: Step = { ...scale(3), events: [event("Scaled")] };
  await run([told, apply("Service")], { events: [event("Proven")] });
  expect(emitted).toEqual(["GatewayGroup Scaled"]);
  fail("status", "Conflict");
  const again: Step = { ...create("ConfigMap", "x"), events: [event("ObjectApplied")] };
  await expect(run([again], { status: { ...STATUS, summary: "after" }, events: [event("Proven")] })).rejects.toThrow();
  expect(emitted).toEqual(["GatewayGroup Scaled", "GatewayGroup ObjectApplied"]);
});

test("no edit by hand is told of where the cluster itself changes what we write", async () => {
  const { run, client, emitted } = world([live("Service", "edge")]);
  const through = client.apply as (...args: Loose[]) => Promise<Loose>;
  client.apply = async (...args: Loose[]) => ({ ...(await through(...args)), spec: { type: "LoadBalancer" } });
  const step = apply("Service", "edge", { spec: { type: "ClusterIP" } });
  await run([{ ...step, events: [event("HandEditReverted"), event("ObjectApplied")] }]);
  expect(emitted).toEqual(["GatewayGroup ObjectApplied"]);
});

test("each loop, one with nothing to do as well, tries again what could not be told", async () => {
  const { run, retried } = world();
  await run([]);
  await run([], { events: [event("Proven")] });
  expect(retried).toEqual([0, 1]);
});
