import type { Condition } from "../../api/common.ts";
import type { FallbackStorageStatus, StorageRole } from "../../api/fallback-storage.ts";
import type { Reason } from "../../api/reasons.ts";
import type { SecretFact } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";

/** What was seen of one FallbackStorage. */
export interface StorageStatusFacts {
  nowMs: number;
  generation: number;
  status: FallbackStorageStatus;
  secrets: Readonly<Record<StorageRole, SecretFact>>;
  /** The CA bundle that the spec names, when it cannot be had or not be read as a whole. */
  caProblem?: Problem;
  /** Holdfast's own access to both buckets. "pending": not answered yet; "notAsked": there are no keys to ask with. */
  access: "pending" | "notAsked" | { problems: readonly Problem[] };
}

/** Somebody must change something; the others may heal by themselves. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set<Reason>([
  "StorageSecretMissing",
  "StorageSecretInvalid",
  "StorageDenied",
  "StorageMisconfigured",
]);

/** Conditions of a FallbackStorage. Nothing in it changes with time alone, so a quiet storage is never written. */
export function decideStorage(facts: StorageStatusFacts): FallbackStorageStatus {
  const problems = problemsOf(facts);
  const [first] = problems;
  const blocking = problems.find(({ reason }) => NEEDS_A_PERSON.has(reason));
  const pending = facts.access === "pending";
  const ready: Verdict = first
    ? [facts.access !== "pending" && isUnknown(first) ? "Unknown" : "False", first.reason, texts(problems)]
    : pending
      ? ["Unknown", "Progressing", "The store is being asked"]
      : ["True", "StorageReachable", "The store answers Holdfast, and the keys of all roles can be used"];
  const stalled: Verdict = blocking
    ? ["True", blocking.reason, texts(problems.filter(({ reason }) => NEEDS_A_PERSON.has(reason)))]
    : ["False", "Accepted", "Nothing in the input is wrong"];
  const reconciling: Verdict =
    pending && !first
      ? ["True", "Progressing", "The store is being asked"]
      : ["False", "Settled", "Nothing is left to do"];
  return {
    observedGeneration: facts.generation,
    summary: (ready[0] === "True" ? "The store can be used." : `The store cannot be used: ${ready[2]}`).slice(0, 1024),
    conditions: [
      condition(facts, "Ready", ready),
      condition(facts, "Reconciling", reconciling),
      condition(facts, "Stalled", stalled),
    ],
  };
}

type Verdict = readonly [status: Condition["status"], reason: string, message: string];

const isUnknown = ({ reason }: Problem): boolean => reason === "StorageUnavailable";

function problemsOf({ secrets, caProblem, access }: StorageStatusFacts): Problem[] {
  const ofSecrets = (["operator", "writer", "reader"] as const).flatMap((role) => secretProblem(role, secrets[role]));
  const ofAccess = typeof access === "object" ? access.problems : [];
  const all = [...ofSecrets, ...(caProblem ? [caProblem] : []), ...ofAccess];
  // One Secret for all roles, or both buckets of one dead server, say the same thing several times.
  return [...new Map(all.map((problem) => [problem.message, problem])).values()];
}

function secretProblem(role: StorageRole, secret: SecretFact): Problem[] {
  const field = `spec.${role}.credentials.secretRef`;
  switch (secret.seen) {
    case "present":
      return secret.problem ? [secret.problem] : [];
    case "absent": {
      const message = `Secret "${secret.name}" with the ${role}'s storage keys does not exist: create it`;
      return [{ reason: "StorageSecretMissing", field, message }];
    }
    case "unknown": {
      const message = `Secret "${secret.name}" with the ${role}'s storage keys cannot be read: ${secret.why}`;
      return [...(secret.problem ? [secret.problem] : []), { reason: "StorageUnavailable", field, message }];
    }
    default:
      return secret satisfies never;
  }
}

const texts = (problems: readonly Problem[]): string => problems.map(({ message }) => message).join("; ");

function condition(facts: StorageStatusFacts, type: string, [status, reason, message]: Verdict): Condition {
  const before = facts.status.conditions?.find((known) => known.type === type);
  const lastTransitionTime =
    before?.status === status ? before.lastTransitionTime : `${new Date(facts.nowMs).toISOString().slice(0, 19)}Z`;
  return {
    type,
    status,
    observedGeneration: facts.generation,
    lastTransitionTime,
    reason,
    message: message.slice(0, 4096),
  };
}
