import type { Content, GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import { LABEL } from "../../api/names.ts";
import { hasFormerLabels } from "../desired/relabel.ts";
import { evidenceText } from "../evidence/evidence.ts";
import { contentToRecord, isAsked, lackingMessage, lackingReason, recordedContent } from "../evidence/expectation.ts";
import { blindText, isBlind } from "../evidence/staleness.ts";
import type { Facts } from "../facts/facts.ts";
import { usedApprovals } from "../mode/approvals.ts";
import { isInert } from "../mode/mode.ts";
import { isOverridden } from "../objects/diff.ts";
import { neighbourSaying } from "../objects/neighbours.ts";
import { isServing } from "../pods.ts";
import { reachesReplicas, type Situation } from "../situation.ts";
import type { Pipeline } from "../snapshot/pipeline-state.ts";
import { liveStart } from "../snapshot/published.ts";
import { warningsSaying } from "../snapshot/warnings.ts";
import { short } from "../values/digest.ts";
import { conditionsFrom, type Saying } from "./conditions.ts";
import type { StatusInput } from "./input.ts";
import { readySaying, reconcilingSaying, stalledSaying } from "./kstatus.ts";
import { licenseOf } from "./license.ts";
import { fallbackActive, recordedMode } from "./recorded.ts";
import { summaryOf } from "./summary.ts";

/** The whole status wanted. Nothing in it changes by itself with time. */
export function statusOf(input: StatusInput): GatewayGroupStatus {
  const { situation, pipeline, template } = input;
  const { facts } = situation;
  const before = facts.group.status;
  const sayings = sayingsOf(input);
  const status: GatewayGroupStatus = {
    ...before,
    observedGeneration: facts.group.generation,
    conditions: conditionsFrom(before.conditions, sayings, facts.group.generation, facts.nowMs),
    summary: summaryOf(input, sayings),
    fallbackReady: sayings.some(({ type }) => type === "SnapshotQuarantined")
      ? "Quarantined"
      : fallbackOf(input).reason,
    controlPlane: controlPlaneOf(situation),
    snapshot: pipeline.status,
    traffic: trafficOf(situation),
    license: licenseOf(facts.pods),
  };
  const assumed = assumptions(situation);
  if (assumed.length > 0) status.assumed = assumed;
  else delete status.assumed;
  const approvals = usedApprovals(facts, {
    verifies: pipeline.status.digest,
    without: pipeline.acceptedWithout,
    reachesReplicas: reachesReplicas(facts),
    returned: (before.mode === "ToNormal" && input.step.move !== undefined) || isAcceptedAtRest(status),
    isAsExpected: situation.expectation.is === "met" || situation.expectation.is === "none",
    asksAnew: asksAnew(facts, status.controlPlane?.content),
  });
  if (Object.keys(approvals).length > 0) status.approvals = approvals;
  if (template.restartedAt !== undefined) status.restartedAt = template.restartedAt;
  if (pipeline.rehearsedAt !== undefined) status.rehearsedAt = pipeline.rehearsedAt;
  return status;
}

/** In normal mode there is no return whose end uses an approval up: what it took for good does. */
const isAcceptedAtRest = ({ mode, controlPlane }: GatewayGroupStatus): boolean =>
  mode === "Normal" && controlPlane?.content?.accepted !== undefined;

function asksAnew(facts: Facts, content: Content | undefined): boolean {
  return content !== undefined && content.accepted === undefined && !isAsked(recordedContent(facts), content.state);
}

function controlPlaneOf(situation: Situation): NonNullable<GatewayGroupStatus["controlPlane"]> {
  const { facts, evidence, expectation, lostMs } = situation;
  const content = contentToRecord(facts, expectation, lostMs !== undefined);
  const lostAt = facts.group.status.controlPlane?.lostAt;
  return {
    verdict: evidence.verdict.word,
    operator: facts.controlPlane.operator.view,
    connected: evidence.witnesses.connected,
    disconnected: evidence.witnesses.disconnected,
    ...(evidence.verdict.word === "Reachable" ? {} : { cause: causeOf(situation) }),
    ...(lostMs === undefined ? {} : { lostAt: lostAt ?? new Date(lostMs).toISOString() }),
    ...(content === undefined ? {} : { content }),
  };
}

function trafficOf({ facts, evidence }: Situation): NonNullable<GatewayGroupStatus["traffic"]> {
  const serving = facts.pods.filter(isServing);
  const normal = serving.filter((pod) => pod.start?.choice === "normal");
  const lost = evidence.verdict.word === "Unreachable";
  const fromMemory = normal.filter((pod) => pod.vote === "disconnected" || (lost && pod.vote !== "connected")).length;
  return {
    replicas: facts.pods.filter((pod) => !pod.deleting).length,
    ready: serving.length,
    fromControlPlane: normal.length - fromMemory,
    fromMemory,
    fromSnapshot: serving.length - normal.length,
    selector: `${LABEL.group}=${facts.group.name},${LABEL.role}=traffic`,
  };
}

function causeOf({ evidence }: Situation): string {
  const { reason } = evidence.verdict;
  if (reason === "DatabaseDown") return "DatabaseDown";
  if (reason === "GatewaysCutOff" || reason === "OperatorCutOff") return "NetworkCut";
  return "Unknown";
}

function assumptions({ facts }: Situation): string[] {
  const { rendered } = facts;
  const said = rendered.warnings.map((warning) => warning.message);
  if (rendered.workersAssumed)
    said.push(`2 nginx workers per pod: neither spec.gateway.workers nor a CPU limit or request is set`);
  return said.map((text) => text.slice(0, 256)).slice(0, 16);
}

function sayingsOf(input: StatusInput): Saying[] {
  const { situation, step, pipeline, template } = input;
  const { evidence, readiness, facts } = situation;
  const word = evidence.verdict.word;
  const sayings: Saying[] = [
    readySaying(situation),
    reconcilingSaying(input),
    stalledSaying(situation),
    {
      type: "ControlPlaneReachable",
      status: word === "Reachable" ? "True" : word === "Unreachable" ? "False" : "Unknown",
      reason: evidence.verdict.reason,
      message: isBlind(facts) ? blindText(facts) : evidenceText(facts, evidence),
    },
    { type: "FallbackReady", ...fallbackOf(input) },
  ];
  sayings.push(...fallbackActive(input));
  sayings.push(...quarantineSaying(situation, pipeline));
  sayings.push(...warningsSaying(pipeline.status.warnings));
  const { expectation } = situation;
  if (expectation.is === "regressed" || expectation.is === "foreign")
    sayings.push({
      type: "ControlPlaneRegressed",
      status: "True",
      reason: lackingReason(expectation),
      message: lackingMessage(facts, expectation),
    });
  if (template.pending)
    sayings.push({
      type: "RestartPending",
      status: "True",
      reason: template.pending.reason,
      message: template.pending.message,
    });
  const overridden = overriddenText(situation);
  if (overridden !== undefined)
    sayings.push({ type: "Overridden", status: "True", reason: "FieldOverridden", message: overridden });
  if (input.clockSkew !== undefined)
    sayings.push({ type: "ClockSkew", status: "True", reason: "ClocksApart", message: input.clockSkew });
  sayings.push(...neighbourSaying(situation.neighbours));
  if (step.held) sayings.push({ type: "Held", status: "True", reason: step.held.reason, message: step.held.message });
  else if (input.motionProblem && !step.move) sayings.push({ type: "Held", status: "True", ...input.motionProblem });
  else if (situation.frozen)
    sayings.push({
      type: "Held",
      status: "True",
      reason: "NoProof",
      message: `The control plane was lost and is not known to be back, and fallback is not ready: ${readiness.message}. Nothing that serves is touched`,
    });
  else if (input.stalled && !step.move) sayings.push({ type: "Held", status: "True", ...input.stalled });
  return sayings;
}

/** Not trusted, or tried and not loaded: the verified pair stays. Without one FallbackReady says it. */
function quarantineSaying({ facts, readiness }: Situation, { quarantine, status }: Pipeline): Saying[] {
  const said = { type: "SnapshotQuarantined", status: "True" } as const;
  if (quarantine) return [{ ...said, reason: quarantine.reason, message: quarantine.message }];
  const { lastRehearsal: last, digest } = status;
  const isBack = facts.snapshot.raw.seen === "found" && facts.snapshot.raw.digest === digest;
  if (last?.result !== "Failed" || last.digest === digest || isBack || readiness.proof === undefined) return [];
  const message = `Snapshot ${short(last.digest)} did not load, and the verified snapshot stays: ${last.message ?? ""}`;
  return [{ ...said, reason: "RehearsalFailed", message }];
}

/** Ready is what a pod that starts now would find; Holdfast that only looks on, or writes nothing, brings it nothing. */
function fallbackOf(input: StatusInput): Pick<Saying, "status" | "reason" | "message"> {
  const { situation, step } = input;
  const { readiness, words } = situation;
  const { status, reason, message } = readiness;
  const writes = words.order !== "Observe" && !isInert(step);
  if (!readiness.usable || recordedMode(input) !== "Normal" || writes || isPublishedLive(situation))
    return { status, reason, message };
  const why =
    "No proof is published, and Holdfast is told to publish none: pods that start in an outage start as without it";
  return { status: "False", reason: "Unpublished", message: `${why}. ${message}` };
}

/** Would a pod that starts now find a proof in the ConfigMap as it stands? */
function isPublishedLive({ facts, running }: Situation): boolean {
  return running.key in liveStart(facts.children, facts.group.name).proofs;
}

/** What the cluster changes in what is written now, by object and field; undefined where it changes nothing. */
function overriddenText({ facts, desired }: Situation): string | undefined {
  const { overridden = [], byName } = facts.children;
  const meant = [desired.traffic, ...(desired.backup ? [desired.backup] : []), ...desired.others];
  const standing = overridden.filter((one) => {
    const live = byName.get(`${one.kind}/${one.name}`);
    // Of labels alone (relabel.ts) there is no mark: they were no whole object.
    if (one.appliedHash === undefined) return live?.metadata.uid === one.uid && hasFormerLabels(facts, live);
    return meant.some((object) => isOverridden(one, object, live));
  });
  if (standing.length === 0) return undefined;
  const fields = standing.map(({ kind, name, paths }) => `${kind} "${name}": ${paths.slice(0, 5).join(", ")}`);
  return `A webhook or policy of the cluster changes what Holdfast writes: ${fields.join("; ")}. These fields are left as they are`;
}
