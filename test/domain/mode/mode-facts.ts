/** One change each to the facts of deciding.ts, as several of the tests mode-*.test.ts make it. */
import type { Loose } from "../deciding.ts";

/** Its name, what is changed, how long the verdict has held, the mode that is recorded, the reason that is told. */
export type Row = [string, (facts: Loose) => void, number, string | undefined, string | undefined];

export function unseen(facts: Loose): void {
  const unknown = { seen: "unknown", reason: "StorageUnavailable", why: "it does not answer" };
  facts.snapshot = { raw: unknown, candidate: unknown, verified: unknown };
}
/** The store does not know the reader's keys any more. */
export function refuse(facts: Loose): void {
  facts.secrets.reader.problem = {
    reason: "StorageDenied",
    field: "f",
    message: "the store refuses the reader's keys",
  };
}
export function override(facts: Loose, word: string): void {
  facts.group.annotations = { "holdfast.dev/override": word };
}
export function empty(facts: Loose): void {
  facts.controlPlane.counts = { routes: 0, upstreams: 0, services: 0 };
}
/** What an earlier loop recorded, and asked about. */
export function asked(facts: Loose, state: "Regressed" | "Foreign" | "Uncounted", accepted?: object): void {
  facts.group.status.controlPlane.content = { state, ...(accepted === undefined ? {} : { accepted }) };
}
export function approve(facts: Loose, offset: number): void {
  facts.group.annotations = { "holdfast.dev/approve-return": `${facts.group.status.epoch + offset}-uid-grou` };
}
