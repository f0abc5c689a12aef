import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { REPOSITORY } from "../lab/process.ts";
import { type LoadSummary, startLoad } from "../simulator/load.ts";
import type { Json } from "./cluster.ts";
import { loadInWords } from "./says.ts";
import type { Stage } from "./stage.ts";

/** From what a pod started, as its own start choice says; "unknown" until it has chosen. */
export function sourceOf(pod: Json): "normal" | "fallback" | "unknown" {
  const choose = pod.status.initContainerStatuses?.find((c: Json) => c.name === "choose");
  const ended = choose?.state?.terminated ?? choose?.lastState?.terminated;
  try {
    return JSON.parse(ended.message).choice;
  } catch {
    return "unknown";
  }
}

/**
 * Requests all the while that `story` runs, and a little before and after. No retries; every request on a connection
 * of its own or on a kept one, a fifth and four fifths. What came of them stands in the output, whoever asserts what.
 */
export async function underLoad(stage: Stage, rate: number, story: () => Promise<void>): Promise<LoadSummary> {
  const load = startLoad({ url: await stage.url(), rate });
  try {
    await sleep(1_000);
    await story();
    await sleep(2_000);
  } catch (error) {
    await load.stop();
    throw error;
  }
  const sent = await load.stop();
  console.log(loadInWords(sent));
  return sent;
}

/** How long it took, in the output: a bound that is far away says nothing about a number that has doubled. */
export async function timed(what: string, happens: () => Promise<void>): Promise<void> {
  const from = performance.now();
  await happens();
  console.log(`${what}: ${((performance.now() - from) / 1_000).toFixed(1)} s`);
}

/** Writes what helps after a failure to results/. */
export async function saveReport(stage: Stage | undefined, name: string): Promise<void> {
  if (!stage) return;
  const folder = join(REPOSITORY, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.txt`), await stage.report());
}
