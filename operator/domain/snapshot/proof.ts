import type { Proof } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import { contentVersion } from "../desired/references.ts";
import type { Facts, SecretFact } from "../facts/facts.ts";
import type { PairFact } from "../facts/outside.ts";
import { isReady } from "../pods.ts";
import { short } from "../values/digest.ts";
import { ageProblem } from "./age.ts";
import { doubtOfVerified, isBeingRestored, isReplaced } from "./generations.ts";
import { anotherText, isAnothersStore } from "./ownership.ts";
import { withoutText } from "./without.ts";

/**
 * Would a pod that starts now without the control plane serve? Speaks of the verified pair alone, which is the proven
 * pair; what the exporter does meanwhile is another question.
 */
export interface Readiness {
  status: "True" | "False" | "Unknown";
  reason: Reason;
  message: string;
  /** The proof for the present template, when there is one for the verified pair, fresh or not. */
  proof?: Proof;
  /** May the group move, and may pods start from the snapshot? */
  usable: boolean;
  /** The verified pair is known to be missing, bad or too old; not merely out of sight or not yet proven anew. */
  refuted: boolean;
}

/**
 * The store does not know the keys that pods read with, whatever was proven with them: a pod that starts now would end.
 * What is published stays: without it that pod would not come up either, and with it it does once the keys are known again.
 */
function refusedKeys({ secrets: { reader } }: Facts): string | undefined {
  const problem = reader.seen === "absent" ? undefined : reader.problem;
  return problem?.reason === "StorageDenied" ? problem.message : undefined;
}

type PairFound = Extract<PairFact, { seen: "found" }>;

export function readinessOf(facts: Facts, proofKey: string, controlPlaneLostMs: number | undefined): Readiness {
  const no = (reason: Reason, message: string, status: Readiness["status"] = "False"): Readiness => ({
    status,
    reason,
    message,
    usable: false,
    refuted: status === "False" && ["Stale", "Unreadable", "WrittenByAnother", "StoreOwnedByAnother"].includes(reason),
  });
  if (facts.storage.seen === "absent")
    return no(
      "StorageNotFound",
      `FallbackStorage "${facts.storage.name}" does not exist in namespace "${facts.group.namespace}"`,
    );
  if (facts.storage.seen === "unknown")
    return no(
      "StorageUnavailable",
      `FallbackStorage "${facts.storage.name}" cannot be read: ${facts.storage.why}`,
      "Unknown",
    );
  if (isAnothersStore(facts)) return no("StoreOwnedByAnother", anotherText(facts));
  const { verified } = facts.snapshot;
  if (verified.seen === "unknown") return no(verified.reason as Reason, verified.why, "Unknown");
  if (facts.secrets.reader.seen === "absent")
    return no(
      "StorageSecretMissing",
      `Secret "${facts.secrets.reader.name}" with the reader's keys does not exist: pods cannot read the snapshot`,
    );
  if (verified.seen === "absent") return whyMissing(facts, no);
  if (verified.problems.length > 0)
    return no("Unreadable", `The verified snapshot cannot be used: ${verified.problems.join(", ")}`);
  const proof = proofFor(facts, proofKey, verified);
  if (!proof && overwritten(facts, verified))
    return no("ExporterKeyIgnored", `The ${keyIgnored(facts)}, so what pods would start from is unproven`);
  if (isBeingRestored(facts)) return no("WrittenByAnother", `${written(facts)}. It is put back`, "True");
  const strange = strangePair(facts);
  if (strange !== undefined) return no("WrittenByAnother", strange);
  const refused = refusedKeys(facts);
  if (!proof && refused !== undefined) return no("StorageDenied", refused);
  if (!proof) return no(isRehearsing(facts) ? "Rehearsing" : "Unproven", unproven(facts));
  const old = ageProblem(facts, controlPlaneLostMs);
  const nothingElse = !facts.pods.some((pod) => isReady(pod) && pod.start?.choice !== "fallback");
  // Age is judged before a group leaves normal mode; from then on it runs from this very pair, however long that lasts.
  const left = (facts.group.status.mode ?? "Normal") !== "Normal";
  if (old !== undefined && !nothingElse && !left)
    return refused === undefined ? { ...no("Stale", old), proof } : no("Stale", `${old}; ${refused}`);
  if (refused !== undefined) return no("StorageDenied", refused);
  const without = withoutText(proof.without);
  const since = `proven with ${proof.image} at ${proof.at}${without}`;
  const message =
    old === undefined || !nothingElse
      ? `Snapshot ${short(verified.digest)} is ${since}`
      : `${old}; nothing else serves, so it is used (${since})`;
  const told = old === undefined && controlPlaneLostMs === undefined ? exportTrouble(facts, verified) : undefined;
  return {
    status: "True",
    reason:
      old !== undefined && nothingElse
        ? "ServingOldSnapshot"
        : (told?.reason ?? (without === "" ? "Proven" : "ProvenWithout")),
    message: told === undefined ? message : `${message}; ${told.message}`,
    proof,
    usable: true,
    refuted: false,
  };
}

const OTHER_WRITER =
  "Look for another exporter or operator that writes this key: a backup release of the vendor's chart, or the dashboard's export";

const written = ({ group }: Facts): string =>
  `What is stored under the key "${group.spec.shortID}" is not the verified snapshot ${short(group.status.snapshot?.digest ?? "")}. ${OTHER_WRITER}`;

/** A pair that Holdfast did not put there, and that nothing at hand can replace. */
function strangePair(facts: Facts): string | undefined {
  const recorded = facts.group.status.snapshot ?? {};
  if (!isReplaced(facts, recorded)) return undefined;
  const doubt = doubtOfVerified(facts, recorded);
  if (doubt === undefined) return `${written(facts)}. It is tried as an export would be`;
  return `${written(facts)}. It is not used: ${doubt.why}`;
}

/** What the exporter does is no good, though the pair that is there now was proven. */
function exportTrouble(facts: Facts, verified: PairFound): { reason: Reason; message: string } | undefined {
  const late = lateExport(facts, verified);
  if (late !== undefined) return { reason: "ExportLate", message: late };
  // Written again since it was recorded, which nobody but the exporter does: what it brings next is proven by nobody.
  const { verifiedAt, replaced } = facts.group.status.snapshot ?? {};
  const recordedMs = verifiedAt === undefined ? facts.nowMs : Date.parse(verifiedAt);
  const again = verified.ageMs + SLACK_MS < facts.nowMs - recordedMs;
  if (again && overwritten(facts, verified))
    return { reason: "ExporterKeyIgnored", message: `but the ${keyIgnored(facts)}` };
  if (replaced === undefined) return undefined;
  const message = `but snapshot ${short(replaced.digest)} stood under its key at ${replaced.at}, and was replaced again. ${OTHER_WRITER}`;
  return { reason: "WrittenByAnother", message };
}

const SLACK_MS = 10_000;
/** Without an export the verified pair's age is looked at, and that pair is read again once in a validation interval. */
function lateAfterMs({ group, snapshot, storage }: Facts): number {
  const unseenSeconds =
    snapshot.raw.seen !== "found" && storage.seen === "present" ? storage.spec.validationIntervalSeconds : 0;
  return 3_000 * group.spec.backup.exportIntervalSeconds + SLACK_MS + 1_000 * unseenSeconds;
}

/** The exporter alone writes without us; it obeys its key, or the verified pair changes while there is no raw one. */
function overwritten(facts: Facts, verified: PairFound): boolean {
  const { raw } = facts.snapshot;
  return facts.group.spec.backup.enabled && raw.seen === "absent" && verified.ageMs < lateAfterMs(facts);
}

const keyIgnored = ({ group }: Facts): string =>
  `exporter writes to the key "${group.spec.shortID}" instead of "${group.spec.shortID}-raw": this gateway does not take the key from its environment`;

function lateExport(facts: Facts, verified: PairFound): string | undefined {
  const { raw } = facts.snapshot;
  const limitMs = lateAfterMs(facts);
  // A store that does not answer just now is told elsewhere, and answers again.
  if (raw.seen === "unknown" && raw.reason === "StorageUnavailable") return undefined;
  if (raw.seen === "unknown") return `but the newest export cannot be read: ${raw.why}`;
  if (!facts.group.spec.backup.enabled) return undefined;
  const newest = raw.seen === "found" ? raw : verified;
  if (newest.ageMs <= limitMs) return undefined;
  const of = new Date(newest.lastModifiedMs).toISOString();
  // An exporter takes nothing away: somebody did, or it was never there beside a pair that another exporter left.
  const what =
    raw.seen === "found" ? `the last export is of ${of}` : `there is no export; the last that was taken is of ${of}`;
  return `but ${what}, more than three intervals ago${exporterTrouble(facts)}`;
}

/** Why there may be no export; "" when the exporter's pods come up. */
function exporterTrouble({ children }: Facts): string {
  const why = children.backup?.failure ?? children.backup?.trouble;
  return why === undefined ? "" : `; backup pod: ${why}`;
}

/** A proof is for digest, template (image and configuration) and the reader's Secret; a change of any asks anew. */
export function proofFor(facts: Facts, proofKey: string, pair: PairFound): Proof | undefined {
  const reader = facts.secrets.reader;
  return facts.group.status.snapshot?.proofs?.find(
    (proof) =>
      proof.key === proofKey &&
      proof.digest === pair.digest &&
      // A Secret that cannot be read just now takes no proof away: unknown never moves anything.
      (reader.seen !== "present" || isOfKeys(proof, reader)),
  );
}

/** Earlier versions recorded the resourceVersion of the reader's Secret: what was proven with the present keys stays so. */
const isOfKeys = ({ readerSecretVersion }: Proof, reader: Extract<SecretFact, { seen: "present" }>): boolean =>
  readerSecretVersion === contentVersion(reader) || readerSecretVersion === reader.resourceVersion;

/** The next annotation on that Secret must not take the proof away. */
export function withContentVersions(proofs: readonly Proof[], { secrets: { reader } }: Facts): Proof[] {
  if (reader.seen !== "present") return [...proofs];
  return proofs.map((proof) =>
    isOfKeys(proof, reader) ? { ...proof, readerSecretVersion: contentVersion(reader) } : proof,
  );
}

/** Is this template proven with what stands under the verified key? */
export const isProven = (facts: Facts, proofKey: string): boolean =>
  facts.snapshot.verified.seen === "found" && proofFor(facts, proofKey, facts.snapshot.verified) !== undefined;

const isRehearsing = (facts: Facts) => facts.helpers.some((pod) => pod.role === "rehearsal" && !pod.deleting);

/** Why there is no rehearsal, where the cluster lets none be made. */
function rehearsalRefused(facts: Facts): string | undefined {
  const refused = isRehearsing(facts) ? undefined : facts.children.refused?.find(({ role }) => role === "rehearsal");
  return refused && `the cluster refuses the rehearsal pod: ${refused.message}`;
}

function unproven(facts: Facts): string {
  const last = facts.group.status.snapshot?.lastRehearsal;
  const failed = last?.result === "Failed" ? `; the last rehearsal failed: ${last.message ?? "no message"}` : "";
  const refused = rehearsalRefused(facts);
  const why = refused === undefined ? failed : `; ${refused}`;
  return `The verified snapshot was not yet loaded with the present image, configuration and reader keys${why}`;
}

type No = (reason: Reason, message: string, status?: "False" | "Unknown") => Readiness;

function whyMissing(facts: Facts, no: No): Readiness {
  const { raw } = facts.snapshot;
  const conflict = facts.peers.keyConflict;
  if (conflict?.foreign === true)
    return no(
      "ObjectKeyShared",
      `What lies under the key "${facts.group.spec.shortID}" is of GatewayGroup "${conflict.group}"`,
    );
  if (raw.seen === "unknown") return no(raw.reason as Reason, `The export cannot be read: ${raw.why}`, "Unknown");
  if (raw.seen === "absent" && !facts.group.spec.backup.enabled)
    return no("Missing", "There is no verified snapshot, and spec.backup.enabled is false");
  if (raw.seen === "absent")
    return no(
      "NoExportYet",
      `The backup pod has not exported yet: there is no raw snapshot in the store${exporterTrouble(facts)}`,
    );
  if (raw.seen === "found" && raw.problems.length > 0)
    return no("SnapshotInvalid", `The exported snapshot cannot be used: ${raw.problems.join(", ")}`);
  const refused = rehearsalRefused(facts);
  if (refused !== undefined) return no("PodsRefused", `The exported snapshot cannot be proven: ${refused}`);
  const last = facts.group.status.snapshot?.lastRehearsal;
  if (last?.result === "Failed") return no("RehearsalFailed", last.message ?? "The rehearsal failed");
  return no("Rehearsing", "The exported snapshot is being proven");
}
