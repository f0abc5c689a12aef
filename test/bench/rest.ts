/** Nothing changes: what the operator writes, asks and burns all the same. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Bed, stopwatch } from "./bed.ts";
import type { Result, Row } from "./report.ts";

const SETTLE_MS = Number(process.env["HOLDFAST_BENCH_SETTLE_SECONDS"] ?? 60) * 1000;
/** A multiple of all default intervals but that of the candidate (600 s). */
const WINDOW_S = Number(process.env["HOLDFAST_BENCH_REST_SECONDS"] ?? 180);
const PROBE_INTERVAL_S = 5;
const REQUESTS_PER_PROBE = 2; // /version and the range read

export async function rest(bed: Bed): Promise<Result> {
  await sleep(Math.max(0, bed.quietSinceMs() + SETTLE_MS - Date.now()));
  const groups = bed.names.length;
  const fromMs = Date.now();
  const [requests, store, lap] = [bed.bench.dpManager.requests(), bed.store.counts(), stopwatch(bed)];
  await sleep(WINDOW_S * 1000);
  const { seconds, cpuSeconds } = lap();
  const minutes = seconds / 60;
  const probes = (bed.bench.dpManager.requests() - requests) / REQUESTS_PER_PROBE / (seconds / PROBE_INTERVAL_S);
  const writes = bed.writes(fromMs);
  const reads = new Map([...bed.store.counts()].map(([word, count]) => [word, count - (store.get(word) ?? 0)]));
  const sum = (of: RegExp) => [...reads].reduce((all, [word, count]) => all + (of.test(word) ? count : 0), 0);
  const conditional = /^(GET|HEAD) (raw|verified|candidate) /;
  const perGroup = (of: RegExp) => sum(of) / groups / minutes;
  const rows: Row[] = [
    {
      what: "writes to the API server, Lease apart",
      groups,
      value: writes.length / minutes,
      unit: "per minute",
      wanted: "0",
    },
    { what: "probes per endpoint and interval", groups, value: probes, unit: "", wanted: "1" },
    {
      what: "reads of the raw pair",
      groups,
      value: perGroup(/^\w+ raw /),
      unit: "per group and interval of 60 s",
      wanted: "2",
    },
    {
      what: "reads of the verified pair",
      groups,
      value: perGroup(/^\w+ verified /),
      unit: "per group and interval of 60 s",
      wanted: "2",
    },
    {
      what: "reads of the candidate pair",
      groups,
      value: perGroup(/^\w+ candidate /),
      unit: "per group and minute",
      wanted: "0.2",
    },
    {
      what: "of all these answered 304",
      groups,
      value: (100 * sum(/ 304$/)) / Math.max(1, sum(conditional)),
      unit: "%",
      wanted: "100",
    },
    { what: "other requests to the store", groups, value: (sum(/./) - sum(conditional)) / minutes, unit: "per minute" },
    { what: "CPU", groups, value: cpuSeconds / minutes, unit: "CPU s per minute" },
  ];
  for (const write of writes) console.log(`  at rest: ${write.verb} ${write.resource} ${write.name} ${write.code}`);
  return {
    title: "At rest",
    how: `${WINDOW_S} s, after ${SETTLE_MS / 1000} s without a write, with the default intervals: the control plane is asked every ${PROBE_INTERVAL_S} s, exporters write the same content again every minute. All groups share one control plane and one FallbackStorage. Reads of the store are counted by a proxy before the S3 server. Pods have no address here, so no gateway is asked.`,
    rows,
  };
}
