// What stands in the store, what was proven of it and what a person said of it, for the tables of the snapshot pipeline.
import { done, healthy, held, type Loose, planOf, told } from "../deciding.ts";

export const NEW = `sha256:${"b2".padEnd(64, "0")}`;
export const pipeline = (steps: string[]) =>
  steps.filter((step) => /^copy|rehearsal/.test(step)).map((step) => step.replace(/rehearsal-.*/, "rehearsal"));

/** At rest; each row changes what stands in the store, or what is known of it. Steps, and what the quarantine says. */
export type AtRest = [string, (facts: Loose) => void, string[], string | undefined];
export function atRest(change: (facts: Loose) => void) {
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  return { broken: plan.broken, steps: pipeline(done(plan)), quarantine: told(plan, "SnapshotQuarantined") };
}

export const unknown = { seen: "unknown", reason: "StorageUnavailable", why: "it does not answer" };
const COUNTS = { routes: 41, upstreams: 5, services: 5 };
export function exported(facts: Loose, counts: object = COUNTS): void {
  facts.snapshot.raw = { ...facts.snapshot.raw, digest: NEW, counts };
  last(facts, "Loaded", 3_600_000);
}
export function candidate(facts: Loose, counts: object = COUNTS): void {
  exported(facts, counts);
  facts.snapshot.candidate = { ...facts.snapshot.raw };
}
export function proven(facts: Loose): void {
  const [proof] = facts.group.status.snapshot.proofs;
  facts.group.status.snapshot.proofs.push({ ...proof, digest: NEW });
}
export function last(facts: Loose, result: string, agoMs: number, digest?: string): void {
  const before = facts.group.status.snapshot.lastRehearsal;
  const at = new Date(facts.nowMs - agoMs).toISOString();
  facts.group.status.snapshot.lastRehearsal = { ...before, result, at, ...(digest ? { digest } : {}) };
}
export function accept(facts: Loose, digest: string): void {
  facts.group.annotations = { "holdfast.dev/accept-snapshot": `${digest.slice(7, 19)}-1-uid-grou` };
}
export function quarantined(facts: Loose): void {
  const Told = { type: "SnapshotQuarantined", status: "True", reason: "SnapshotShrunken", message: "m" };
  facts.group.status.snapshot.quarantined = NEW;
  const condition = { ...Told, observedGeneration: 1, lastTransitionTime: new Date(facts.nowMs).toISOString() };
  facts.group.status.conditions.push(condition);
}
