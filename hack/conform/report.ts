/** What a run says at its end: a table for people, JSON for machines, an exit code for scripts. */
import { FACTS } from "./facts.ts";
import type { Fact } from "./judge.ts";
import type { Mark, Outcome } from "./outcome.ts";
import type { Seen } from "./seen.ts";

export interface Row extends Pick<Fact, "id" | "mark" | "relies" | "expected"> {
  outcome: Outcome["is"];
  seen: string;
}

/** What is assumed comes first, what is documented last. */
const RANK: Record<Mark, number> = { O: 0, U: 0, M: 1, D: 2 };
export const ORDERED: readonly Fact[] = FACTS.toSorted((a, b) => RANK[a.mark] - RANK[b.mark]);

export const rowsOf = (seen: Seen): Row[] =>
  ORDERED.map(({ id, mark, relies, expected, check }) => {
    const outcome = check(seen);
    return { id, mark, relies, expected, outcome: outcome.is, seen: outcome.seen };
  });

/** 0 all as expected, 1 a fact differs, 2 none differs and one could not be asked. */
export function exitCode(rows: readonly Row[]): 0 | 1 | 2 {
  if (rows.some(({ outcome }) => outcome === "differs")) return 1;
  return rows.some(({ outcome }) => outcome === "notAsked") ? 2 : 0;
}

const WORD: Record<Outcome["is"], string> = { asExpected: "ok", differs: "DIFFERS", notAsked: "not asked" };

export function table(rows: readonly Row[]): string {
  const heads = ["fact", "", "expected", "seen"];
  const cells = rows.map(({ id, mark, outcome, expected, seen }) => [`${id} [${mark}]`, WORD[outcome], expected, seen]);
  const widths = [0, 1, 2].map((n) => Math.max(...[heads, ...cells].map((row) => row[n]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join("  ")
      .trimEnd();
  const count = (is: Outcome["is"]) => rows.filter(({ outcome }) => outcome === is).length;
  const what = rows
    .filter(({ outcome }) => outcome === "differs")
    .map(({ id, relies }) => `  ${id}: Holdfast relies on it for ${relies}`);
  return [
    line(heads),
    ...cells.map(line),
    "",
    ...(what.length === 0 ? [] : ["What differs:", ...what, ""]),
    `${count("asExpected")} as expected, ${count("differs")} differ, ${count("notAsked")} not asked`,
  ].join("\n");
}

export const json = (rows: readonly Row[], about: { image: string; seconds: number }): string =>
  JSON.stringify({ ...about, exitCode: exitCode(rows), facts: rows }, null, 2);
