// npm run test:model: the search over the real decision, theme by theme, in as many threads as there are processors.
//   -- --full           at least 2,000,000 states, a night's work; what was broken off goes on from results/model.json
//   -- --theme NAME     those whose name begins so; --states N and --cure-each N a theme; --workers N
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { isKnown, KNOWN, type Known } from "./known.ts";
import type { Found, Result } from "./search.ts";
import { THEMES } from "./themes.ts";

const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    theme: { type: "string", default: "" },
    states: { type: "string" },
    workers: { type: "string" },
    "cure-each": { type: "string" },
  },
});
/** Quick: within six minutes on two processors. Full: from every state it is asked whether the group comes to rest. */
const states = Number(values.states ?? (values.full ? 150_000 : 14_500));
const cureEach = Number(values["cure-each"] ?? (values.full ? 1 : 25));
const workers = Number(values.workers ?? Math.min(2, availableParallelism()));

const ROOT = join(import.meta.dirname, "../..");
const KEPT_IN = join(ROOT, "results/model.json");

/** Of all that a result depends on: another decision or another world begins anew. */
function code(): string {
  const hash = createHash("sha256").update(`${states} ${cureEach}`);
  for (const folder of ["operator", "test/model"])
    for (const name of readdirSync(join(ROOT, folder), { recursive: true }).map(String).toSorted())
      if (name.endsWith(".ts")) hash.update(name).update(readFileSync(join(ROOT, folder, name)));
  return hash.digest("hex");
}

function before(): Result[] {
  if (!values.full || !existsSync(KEPT_IN)) return [];
  const kept = JSON.parse(readFileSync(KEPT_IN, "utf8")) as { code: string; results: Result[] };
  return kept.code === code() ? kept.results : [];
}

const results = before();
const queue = THEMES.map(({ name }) => name).filter(
  (name) => name.startsWith(values.theme) && !results.some(({ theme }) => theme === name),
);

function line(result: Result): string {
  const { theme, states: reached, expanded, depth, transitions, decisions, violations, stuck, cured, seconds } = result;
  return `${theme}: ${reached} states (${expanded} expanded, depth ${depth}), ${transitions} transitions, ${decisions} decisions, ${violations} violations, ${stuck} stuck of ${cured}, ${seconds} s`;
}

async function work(): Promise<void> {
  for (let theme = queue.shift(); theme !== undefined; theme = queue.shift()) {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { theme, states, cureEach } });
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (result: Result) => {
        results.push(result);
        console.log(line(result));
        if (!values.full) return;
        mkdirSync(join(ROOT, "results"), { recursive: true });
        writeFileSync(KEPT_IN, JSON.stringify({ code: code(), results }));
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
  }
}
for (const result of results) console.log(`from an earlier run: ${line(result)}`);
await Promise.all(Array.from({ length: workers }, work));

/** Of each law the shortest history of all themes. */
function shortest(): (Found & { theme: string })[] {
  const all = new Map<string, Found & { theme: string }>();
  for (const { theme, found } of results.toSorted((a, b) => (a.theme < b.theme ? -1 : 1)))
    for (const one of found) {
      const known = all.get(one.law);
      const times = one.times + (known?.times ?? 0);
      if (!known || one.history.length < known.history.length) all.set(one.law, { ...one, theme, times });
      else known.times = times;
    }
  return [...all.values()].toSorted((a, b) => Number(isKnown(b.law)) - Number(isKnown(a.law)));
}

const all = shortest();
const timesOf = ({ law }: Known): number =>
  all.filter((one) => law.test(one.law)).reduce((sum, { times }) => sum + times, 0);
for (const { law, theme, history, times } of all) {
  const script = history.map((way) => `    - ${way}`).join("\n");
  console.log(
    `\n${isKnown(law) ? "known: " : ""}${law}\n  ${times} times; the shortest history (${theme}):\n${script}`,
  );
}
// Only the whole search says that one is found no more.
const whole = values.theme === "" && values.states === undefined;
const often = whole && !values.full ? KNOWN.filter((known) => timesOf(known) > known.atMost) : [];
for (const known of often)
  console.log(
    `\nknown, and found more often: ${timesOf(known)} times, at most ${known.atMost}: ${known.law} (${known.why})`,
  );
const gone = whole ? KNOWN.filter((known) => !all.some(({ law }) => known.law.test(law))) : [];
for (const { law, why } of gone)
  console.log(`\nknown, and found no more: take it out of test/model/known.ts: ${law} (${why})`);

const sum = (field: "states" | "transitions" | "violations" | "stuck" | "decisions") =>
  results.reduce((total, result) => total + result[field], 0);
const news = all.filter(({ law }) => !isKnown(law));
console.log(
  `\n${sum("states")} states, ${sum("transitions")} transitions, ${sum("decisions")} decisions, ${sum("violations")} violations, ${sum("stuck")} stuck; ${news.length} not known`,
);
process.exitCode = news.length > 0 || gone.length > 0 || often.length > 0 ? 1 : 0;
