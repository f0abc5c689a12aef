import { ANNOTATION } from "../../api/names.ts";
import { hasGate } from "../desired/backup.ts";
import type { KubeObject } from "../facts/cluster.ts";
import { differences, needsApply } from "../objects/diff.ts";
import type { Situation } from "../situation.ts";
import { causeOf, isAsMeant, isCopy } from "../status/cause.ts";
import type { TemplatePlan } from "../templates/input.ts";
import { ASKED_FOR, pendingReason } from "../templates/template.ts";
import { objectAt } from "../values/json.ts";
import { isAnothersStore, isOurStore } from "./ownership.ts";

/** What becomes of the exporter: made, changed, kept, or waiting. */
export function backupPlan(situation: Situation): Pick<TemplatePlan, "steps" | "pending"> {
  const { facts, desired, evidence, words } = situation;
  const { backup } = desired;
  // Two exporters on one key would overwrite each other: the younger group's does not run.
  if (!backup || facts.peers.keyConflict !== undefined) return { steps: [] };
  const live = facts.children.byName.get(`${backup.kind}/${backup.metadata.name}`);
  if (!needsApply(backup, live, facts.children)) return { steps: [] };
  const stopped = situation.neighbours.some(({ stops }) => stops === "exporter");
  if (live === undefined && stopped) return { steps: [] };
  // Where the keys are another cluster's, or nobody knows whose, no exporter is begun.
  if (live === undefined && !isOurStore(facts)) return { steps: [] };
  if (isAnothersStore(facts)) return { steps: [] };
  if (live === undefined) return { steps: [{ do: "apply", object: backup, why: "the exporter of this group" }] };
  const asked = facts.group.annotations[ANNOTATION.restartAt];
  const askedNow = asked !== undefined && asked !== facts.group.status.restartedAt && words.order !== "Observe";
  const gate = gateChange(backup, live);
  const waits = gate === undefined && rendersDifferently(backup, live) && exportsNow(situation);
  if (waits && !askedNow) return { steps: [], pending: pendingReason(true, false) };
  // A new exporter could not start now: it would back off long after the control plane is there again. One that
  // receives requests does more harm.
  if (gate === undefined && evidence.verdict.word !== "Reachable") return { steps: [] };
  return {
    steps: [
      {
        do: "apply",
        object: backup,
        why: gate ?? `${causeOf(backup, live, isCopy(facts, backup))}${waits ? ASKED_FOR : ""}`,
      },
    ],
  };
}

/** Somebody's Service began or ceased to select it: why it is restarted. */
function gateChange(backup: KubeObject, live: KubeObject): string | undefined {
  const [wanted, has] = [backup, live].map((object) => hasGate(objectAt(object, "spec", "template")));
  if (wanted === has) return undefined;
  return wanted
    ? "a Service selects the backup pod: a readiness gate keeps requests away from it"
    : "no Service selects the backup pod any more";
}

/** The same wish, and this version of Holdfast renders other pods of it: an upgrade restarts none. */
function rendersDifferently(backup: KubeObject, live: KubeObject): boolean {
  if (isAsMeant(backup, live)) return false; // somebody else changed it
  const markOf = (object: KubeObject, mark: string) => object.metadata.annotations?.[mark];
  if (markOf(backup, ANNOTATION.inputsHash) !== markOf(live, ANNOTATION.inputsHash)) return false;
  const paths = differences(backup, live);
  // Of a group that was deleted and made anew: what is not owned would outlive it.
  if (paths.some((path) => path.startsWith("metadata.ownerReferences"))) return false;
  const template = markOf(live, ANNOTATION.templateHash);
  if (template !== undefined) return template !== markOf(backup, ANNOTATION.templateHash);
  return paths.some((path) => path.startsWith("spec.template"));
}

/** One that crashes, or never exported, loses nothing by another template. */
const exportsNow = ({ facts: { children, snapshot } }: Situation): boolean =>
  children.backup?.trouble === undefined && snapshot.raw.seen !== "absent";
