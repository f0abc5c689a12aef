/** How a fact is judged on what was seen. */
import { asked, type Mark, type Outcome, unasked } from "./outcome.ts";
import type { Scene, Seen, Start } from "./seen.ts";
import { startText } from "./texts.ts";

export interface Fact {
  id: string;
  mark: Mark;
  /** What of Holdfast goes wrong where it is not so. */
  relies: string;
  expected: string;
  check: (seen: Seen) => Outcome;
}

type SceneName = Exclude<keyof Seen, "starts">;
type Played<K extends SceneName> = Exclude<Seen[K], { notAsked: string }>;

export const of =
  <K extends SceneName>(scene: K, check: (played: Played<K>, seen: Seen) => Outcome) =>
  (seen: Seen): Outcome => {
    const played: Scene<object> = seen[scene];
    return "notAsked" in played ? unasked(played.notAsked as string) : check(played as Played<K>, seen);
  };

/** A start that ought to fail did so: it exited, and not with 0. */
export const dies = (start: Start): Outcome => asked(start.is === "ended" && start.code !== 0, startText(start));

export const NO_CHECK = "give --check-path";
export const isServed = (status: unknown): boolean => typeof status === "number" && status !== 404 && status < 500;
const READER_COUNTS = ["routes", "services", "upstreams"];
export const sameCounts = (one: Record<string, unknown>, other: Record<string, unknown>): boolean =>
  READER_COUNTS.every((kind) => (one[kind] ?? 0) === (other[kind] ?? 0));
