import type { Children, Refusal } from "../facts/cluster.ts";
import type { SecretFact } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { approvalProblems } from "../mode/approvals.ts";
import { adoptionOf } from "../objects/adoption.ts";
import { contestProblems } from "../objects/contests.ts";
import type { Situation } from "../situation.ts";
import { ownerProblem } from "../snapshot/ownership.ts";

/** Everything in the input that a person must change, in the order in which it is told; the first is the condition's reason. */
export function problemsOf(situation: Situation): Problem[] {
  const { facts, desired, words, evidence } = situation;
  const meant = [desired.traffic, ...(desired.backup ? [desired.backup] : []), ...desired.others];
  const checks: (Problem | undefined)[] = [
    ...facts.rendered.problems,
    ...desired.problems,
    ...facts.children.strangers.map((stranger) => strangerProblem(situation, stranger)),
    facts.children.podRefusal === undefined ? undefined : podsRefused(facts.children.podRefusal),
    facts.children.traffic?.failure === undefined ? undefined : podsRefused(facts.children.traffic.failure),
    ...(facts.children.refused ?? []).map(stepRefused),
    certificate(facts.secrets.client),
    facts.storage.seen === "absent" ? storageMissing(situation) : undefined,
    facts.storage.seen === "present" ? inStorage(situation, facts.storage.fault) : undefined,
    facts.copying?.problem,
    inStorage(situation, storageKeys(facts.secrets.writer, "writer")),
    inStorage(situation, storageKeys(facts.secrets.reader, "reader")),
    ownerProblem(facts),
    facts.peers.keyConflict === undefined ? undefined : keyConflict(situation, facts.peers.keyConflict),
    situation.replicasHeld,
    situation.unchecked.problem,
    ...contestProblems(facts, meant, evidence.memory.contests),
    words.problem,
    ...approvalProblems(facts),
  ];
  return checks.filter((problem) => problem !== undefined);
}

function strangerProblem(situation: Situation, stranger: Children["strangers"][number]): Problem | undefined {
  const adoption = adoptionOf(situation, stranger);
  return "problem" in adoption ? adoption.problem : undefined;
}

const podsRefused = (why: string, pods = "traffic pods"): Problem => ({
  reason: "PodsRefused",
  field: "spec",
  message: `The cluster refuses the ${pods}: ${why}: correct spec.gateway or spec.traffic.podTemplate (resources of Holdfast's own containers: initContainers, name choose), or the quota or policy`,
});

const VERBS: Readonly<Record<string, string>> = {
  scale: "scale",
  delete: "delete",
  deletePod: "delete",
  markPod: "mark",
  relabel: "relabel",
  pause: "pause",
  restoreTemplate: "put back the template of",
};

function stepRefused({ does, kind, name, role, message }: Refusal): Problem {
  const verb = VERBS[does];
  if (verb !== undefined)
    return {
      reason: "StepRefused",
      field: "",
      message: `The cluster refuses to ${verb} ${kind} "${name}": ${message}`,
    };
  if (role !== undefined) return podsRefused(message, `${role} pod`);
  return { reason: "ObjectRefused", field: "spec", message: `The cluster refuses ${kind} "${name}": ${message}` };
}

function certificate(secret: SecretFact): Problem | undefined {
  if (secret.seen === "absent")
    return {
      reason: "CertificateMissing",
      field: "spec.controlPlane.clientCertificateRef.name",
      message: `Secret "${secret.name}" does not exist in this namespace: create it with tls.crt, tls.key and ca.crt`,
    };
  return secret.seen === "present" ? secret.problem : undefined;
}

function storageMissing({ facts }: Situation): Problem {
  const name = facts.group.spec.fallback.storageRef.name;
  return {
    reason: "StorageNotFound",
    field: "spec.fallback.storageRef.name",
    message: `FallbackStorage "${name}" does not exist in namespace "${facts.group.namespace}": create it there, or correct the name`,
  };
}

function storageKeys(secret: SecretFact, role: string): Problem | undefined {
  if (secret.seen !== "absent") return secret.problem;
  if (secret.name !== "")
    return {
      reason: "StorageSecretMissing",
      field: `FallbackStorage spec.${role}.credentials`,
      message: `Secret "${secret.name}" with the ${role}'s keys does not exist in this namespace: create it`,
    };
  return undefined;
}

/** A group may tell of a field that is not its own: then it names the FallbackStorage that has it. */
function inStorage({ facts }: Situation, problem: Problem | undefined): Problem | undefined {
  const [, field] =
    /^(?:FallbackStorage )?(spec\.(?:operator|reader|tls|writer)\b.*)$/.exec(problem?.field ?? "") ?? [];
  if (problem === undefined || field === undefined) return problem;
  return { ...problem, field: `FallbackStorage ${field} of "${facts.group.spec.fallback.storageRef.name}"` };
}

function keyConflict({ facts }: Situation, other: NonNullable<Situation["facts"]["peers"]["keyConflict"]>): Problem {
  return {
    reason: "ObjectKeyShared",
    field: "spec.shortID",
    message: `GatewayGroup "${other.group}" is older and uses the object key "${facts.group.spec.shortID}" in the same buckets${other.foreign ? ", with another control plane" : ""}: give "${facts.group.namespace}/${facts.group.name}" another FallbackStorage or short id. Its backup pod does not run meanwhile${other.foreign ? ", and nothing that lies there is proven for it" : ""}`,
  };
}
