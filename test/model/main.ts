// npm run test:model [-- --full] [--theme NAME] [--states N] [--workers N]: the search over the real decision.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { isKnown, KNOWN } from "./known.ts";
import type { Found, Result } from "./search.ts";
import { THEMES } from "./themes.ts";

const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    theme: { type: "string" },
    states: { type: "string" },
    workers: { type: "string" },
    "cure-each": { type: "string" },
  },
});
/** Quick: within six minutes on two cores. */
const states = Number(values.states ?? (values.full ? 150_000 : 15_000));
const cureEach = Number(values["cure-each"] ?? (values.full ? 1 : 25));
const wanted = THEMES.filter(({ name }) => values.theme === undefined || name.startsWith(values.theme));
const queue = wanted.map(({ name }) => name);
const results: Result[] = [];

function line({ theme, seconds, ...result }: Result): string {
  const { states, expanded, transitions, decisions, violations, stuck, cured, depth } = result;
  return `${theme}: ${states} states (${expanded} expanded, depth ${depth}), ${transitions} transitions, ${decisions} decisions, ${violations} violations, ${stuck} stuck of ${cured}, ${seconds} s`;
}

async function work(): Promise<void> {
  for (let theme = queue.shift(); theme !== undefined; theme = queue.shift()) {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { theme, states, cureEach } });
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (result: Result) => {
        results.push(result);
        console.log(line(result));
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
  }
}
await Promise.all(Array.from({ length: Number(values.workers ?? Math.min(2, availableParallelism())) }, work));

const shortest = new Map<string, Found & { theme: string }>();
for (const { theme, found } of results.toSorted((a, b) => (a.theme < b.theme ? -1 : 1)))
  for (const one of found) {
    const known = shortest.get(one.law);
    const times = one.times + (known?.times ?? 0);
    if (!known || one.history.length < known.history.length) shortest.set(one.law, { ...one, theme, times });
    else known.times = times;
  }
const all = [...shortest.values()];
const news = all.filter(({ law }) => !isKnown(law));
const gone = KNOWN.filter((known) => !all.some(({ law }) => known.law.test(law)));
for (const { law, theme, history, times } of [...all.filter(({ law }) => isKnown(law)), ...news])
  console.log(
    `\n${isKnown(law) ? "known: " : ""}${law}\n  ${times} times; the shortest history (${theme}):\n${history.map((way) => `    - ${way}`).join("\n")}`,
  );
const sum = (field: "states" | "transitions" | "violations" | "stuck" | "decisions") =>
  results.reduce((total, result) => total + result[field], 0);
console.log(
  `\n${sum("states")} states, ${sum("transitions")} transitions, ${sum("decisions")} decisions, ${sum("violations")} violations, ${sum("stuck")} stuck`,
);
// Only the whole search says that one is found no more.
const whole = values.theme === undefined && values.states === undefined;
for (const { law, why } of whole ? gone : [])
  console.log(`known and found no more, take it out of test/model/known.ts: ${law} (${why})`);
process.exitCode = news.length > 0 || (whole && gone.length > 0) ? 1 : 0;
