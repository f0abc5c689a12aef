import fc from "fast-check";
import { expect, test } from "vitest";
import { anyFacts } from "../any-facts.ts";
import { planOf } from "../deciding.ts";

const seed = Number(process.env["HOLDFAST_PROPERTY_SEED"] ?? 20_261_201);
const numRuns = 60 * Number(process.env["HOLDFAST_PROPERTY_RUNS"] ?? 24);

test("whatever the facts are, no plan contains what the laws forbid", { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(anyFacts, ({ facts, memory }) => {
      expect(planOf(facts, memory).broken).toEqual([]);
    }),
    { numRuns, seed },
  );
});
