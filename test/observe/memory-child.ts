/** Reads the pairs of some groups from the store at this port as the operator does, and tells what it took. */

import { Inspector } from "../../operator/gateway/api7/inspect.ts";
import { systemClock } from "../../operator/kube/clock.ts";
import { LargeTurns } from "../../operator/observe/store/large-slots.ts";
import { SnapshotReader } from "../../operator/observe/store/snapshot.ts";
import { Sessions } from "../../operator/session.ts";
import { storeAt } from "../storage/wire.ts";

const [port, ...groups] = process.argv.slice(2);
const store = storeAt("S3", `http://127.0.0.1:${port}`, { silenceTimeoutMs: 60_000, callTimeoutMs: 60_000 });
await store.head("config", `${groups[0]}-raw`, new AbortController().signal); // loads the vendor's library
const restMiB = process.memoryUsage().rss / 2 ** 20;

const snapshots = new SnapshotReader({
  inspect: new Inspector().read,
  sessions: new Sessions(),
  clock: systemClock,
  large: new LargeTurns(),
  wake: () => undefined,
  onBug: (error) => {
    throw error;
  },
});
for (const shortID of groups)
  snapshots.want(shortID, { store, location: "", shortID, rawIntervalMs: 600_000, validationIntervalMs: 600_000 });

const wordsOf = () =>
  groups
    .flatMap((group) => {
      const facts = snapshots.facts(group);
      return facts === undefined ? [] : [facts.raw, facts.candidate, facts.verified];
    })
    .map((fact) => (fact.seen === "found" ? `found${fact.problems.join()}` : "why" in fact ? fact.why : fact.seen));
const isThrough = (words: string[]) =>
  words.length === 3 * groups.length && words.every((word) => word.startsWith("found") || word.includes("larger than"));
const endMs = performance.now() + 90_000;
while (!isThrough(wordsOf()) && performance.now() < endMs) await new Promise((done) => setTimeout(done, 100));
const tookMiB = process.resourceUsage().maxRSS / 1024 - restMiB;
console.log(JSON.stringify({ words: wordsOf(), tookMiB }));
process.exit(0);
