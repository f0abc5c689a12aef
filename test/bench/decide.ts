/** The pure core at rest: what one look at one group costs, without any I/O. */

import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { decide as decideGroup } from "../../operator/domain/decide.ts";
import { readRendered } from "../../operator/observe/gateways/render.ts";
import { provenWorld } from "../scenarios/world.ts";
import type { Result } from "./report.ts";
import { percentile } from "./stats.ts";

// Both calls remember what they made by the identity of what they got: each call gets an object of its own, as a loop does.
const ROUNDS = 20;
const LOOPS = 200;

export async function decide(): Promise<Result> {
  const world = provenWorld();
  world.run(60);
  const facts = world.facts();
  const { plan } = decideGroup(facts, world.memory);
  if (plan.steps.length > 0 || plan.recordsMode) throw new Error("the world is not at rest");
  const storage = FallbackStorageSpec.parse({
    type: "S3",
    s3: { region: "eu-west-1", resourceBucket: "res", configBucket: "conf" },
    credentials: { secretRef: { name: "keys" } },
  });
  const reference = { what: "structuredClone of the facts", value: perCall(() => structuredClone(facts)) };
  return {
    title: "One decision",
    how: `decide() on the facts of one proven group with two pods at rest, as the simulated world of the scenario tests has them: median of ${ROUNDS} rounds of ${LOOPS} calls, warmed up. It renders every object each time. At rest a group is looked at every 12.5 s, or when something of it changes.`,
    rows: [
      { what: "decide()", value: perCall(() => decideGroup({ ...facts }, world.memory)), unit: "µs", reference },
      {
        what: "rendering of config.yaml for all roles",
        value: perCall(() => readRendered({ ...world.spec }, storage)),
        unit: "µs",
        reference,
      },
      { what: "objects rendered by decide()", value: world.objects.size, unit: "" },
      { what: "steps of the plan", value: plan.steps.length, unit: "", wanted: "0" },
    ],
  };
}

function perCall(call: () => unknown): number {
  const rounds = Array.from({ length: ROUNDS + 5 }, () => {
    const from = performance.now();
    for (let loop = 0; loop < LOOPS; loop += 1) call();
    return ((performance.now() - from) * 1000) / LOOPS;
  });
  return percentile(rounds.slice(5), 50);
}
