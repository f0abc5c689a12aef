/** The table that the demo closes with. */
import type { LoadSummary } from "../test/simulator/load.ts";

export class Table {
  readonly #rows: [what: string, value: string][] = [];

  row(what: string, value: string): void {
    this.#rows.push([what, value]);
  }

  seconds(what: string, seconds: number): void {
    this.row(what, inSeconds(seconds));
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
