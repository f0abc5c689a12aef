/** What is recorded and told, and in which order: the mode alone, else steps, status, events. */
import { expect, test } from "vitest";
import { sameStatus } from "../../operator/act/act.ts";
import { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import type { Step } from "../../operator/domain/plan.ts";
import { StorageError } from "../../operator/storage/faults.ts";
import { apply, event, live, STATUS, scale, world } from "./acting.ts";

test("nothing to do is nothing written", async () => {
  const { run, calls } = world();
  expect(await run([])).toEqual({ again: false });
  expect(calls).toEqual([]);
});

test("the mode is recorded alone: status first, then events, and no step", async () => {
  const { run, calls, emitted } = world();
  const status = { ...STATUS, mode: "ToFallback" as const };
  const acted = await run([apply("Service")], {
    recordsMode: true,
    status,
    events: [event("ControlPlaneUnreachable", true)],
  });
  expect(calls).toEqual(["status GatewayGroup/edge"]);
  expect(emitted).toEqual(["GatewayGroup ControlPlaneUnreachable", "Deployment ControlPlaneUnreachable"]);
  expect(acted.again).toBe(true);
});

test("a mode that cannot be recorded is not told and not acted on", async () => {
  const { run, fail, emitted, calls } = world();
  fail("status", "Conflict");
  await expect(
    run([apply("Service")], { recordsMode: true, events: [event("ControlPlaneUnreachable")] }),
  ).rejects.toThrow();
  expect(emitted).toEqual([]);
  expect(calls).toEqual(["status GatewayGroup/edge"]);
});

test("steps in their order, then status, then events", async () => {
  const { run, calls, emitted, wrote } = world([live("Deployment", "edge")]);
  const status = { ...STATUS, summary: "after" };
  await run([apply("ConfigMap"), apply("Service"), scale(3)], { status, events: [event("Scaled")] });
  expect(calls).toEqual([
    "create ConfigMap/edge",
    "create Service/edge",
    "scale Deployment/edge",
    "status GatewayGroup/edge",
  ]);
  expect(emitted).toEqual(["GatewayGroup Scaled"]);
  expect(wrote).toEqual(["ConfigMap/edge", "Service/edge", "Deployment/edge", "GatewayGroup/edge"]);
});

test("a step that took all of the loop's time hides no verdict, nor its event; a mode is not moved so late", async () => {
  const { run, bodies, copy, emitted } = world();
  const ended = new AbortController();
  copy(async () => {
    ended.abort();
    throw new StorageError("Timeout", "too slow");
  });
  const step: Step = { do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" };
  const lost = { status: { ...STATUS, summary: "the control plane is lost" }, events: [event("ControlPlaneLost")] };
  await run([step], lost, ended.signal);
  expect(emitted).toEqual(["GatewayGroup ControlPlaneLost"]);
  expect(bodies.at(-1).summary).toBe("the control plane is lost");
  await expect(run([], { recordsMode: true }, ended.signal)).rejects.toThrow("Aborted");
});

test("a status that says the same is not written, whatever the order of its keys", () => {
  const a = GatewayGroupStatus.parse({ mode: "Normal", summary: "s" });
  const b = GatewayGroupStatus.parse({ summary: "s", mode: "Normal" });
  expect(sameStatus(a, { ...b, restartedAt: undefined } as never)).toBe(true);
  expect(sameStatus(a, { ...b, summary: "t" })).toBe(false);
});
