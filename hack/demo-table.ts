/** The table that the demo closes with, and the same numbers as a benchmark's result. */
import type { Result, Row } from "../test/bench/report.ts";
import type { LoadSummary } from "../test/simulator/load.ts";

export class Table {
  readonly #rows: [what: string, value: string][] = [];
  readonly #seconds: Row[] = [];

  row(what: string, value: string): void {
    this.#rows.push([what, value]);
  }

  /** `beside`: the same in normal times, and what is to be reached. */
  seconds(what: string, seconds: number, beside: Pick<Row, "reference" | "wanted"> = {}): void {
    this.row(what, inSeconds(seconds));
    this.#seconds.push({ what, value: seconds, unit: "s", ...beside });
  }

  result(sent: LoadSummary, rate: number): Result {
    const { staleConnection, latencyMs } = sent;
    return {
      title: "The story of the demo",
      how:
        `\`./hack/demo\`: a real kubelet, containers, a control plane that is killed and comes back, ${rate} requests per second ` +
        "through the Service from before the outage until after the return, none of them ever repeated, all on the cores of " +
        "one machine. The group asks for Rolling.",
      rows: [
        { what: "requests sent", value: sent.sent, unit: "", wanted: "100,000" },
        { what: "requests failed", value: lostOf(sent), unit: "", wanted: "0" },
        { what: "requests that met a connection closed while idle", value: staleConnection, unit: "" },
        { what: "latency p50", value: latencyMs.p50, unit: "ms" },
        { what: "latency p99", value: latencyMs.p99, unit: "ms" },
        ...this.#seconds,
      ],
    };
  }

  /** With what became of the requests on top. */
  text(sent: LoadSummary): string {
    const { staleConnection, latencyMs } = sent;
    const rows = [
      ["requests sent", String(sent.sent)],
      ["requests failed", `${lostOf(sent)}${lostOf(sent) > 0 ? ` ${JSON.stringify(sent.failures)}` : ""}`],
      ["requests that met a connection closed while idle (HTTP clients re-send these)", String(staleConnection)],
      ["latency p50 / p99", `${latencyMs.p50.toFixed(1)} / ${latencyMs.p99.toFixed(1)} ms`],
      ...this.#rows,
    ] as const;
    const width = Math.max(...rows.map(([what]) => what.length));
    return rows.map(([what, value]) => `  ${what.padEnd(width)}  ${value}`).join("\n");
  }
}

export const inSeconds = (seconds: number): string => `${seconds.toFixed(1)} s`;

/** A request that was never sent was not answered either. */
export const lostOf = ({ failed, notSent }: LoadSummary): number => failed + notSent;
