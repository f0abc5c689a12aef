import { ANNOTATION } from "../../api/names.ts";
import type { KubeObject, KubeTemplate, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { hashOf } from "../values/hash.ts";
import { accounts } from "./accounts.ts";
import { backupDeployment } from "./backup.ts";
import type { Publication } from "./config-maps.ts";
import { renderedConfigs, startConfig } from "./config-maps.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { inputsHash } from "./inputs.ts";
import { type Live, liveOf } from "./live.ts";
import { networkPolicy } from "./network-policy.ts";
import { configNames } from "./references.ts";
import { service } from "./service.ts";
import { trafficDeployment, trafficTemplate } from "./traffic.ts";

/** Why `traffic` must be neither created nor applied; what runs stays. */
export type Keep =
  /** There is no normal configuration: the spec cannot be rendered (facts.rendered.problems says why). */
  | "Unrendered"
  /** The podTemplate is refused (`problems`). */
  | "Refused"
  /** The wish is the same, this Holdfast only renders it differently; `restart-at` takes it. */
  | "Drifted";

export interface Desired {
  /** Found here (PodTemplateRefused); those of the rendering are in facts.rendered.problems. */
  problems: readonly Problem[];
  keep?: Keep;
  /** Of `template`; what runs may be made from another one (ReplicaSetFact.proofKey), which wants its own proofs. */
  proofKey: string;
  inputsHash: string;
  templateHash: string;
  /** Pod template of `traffic`. */
  template: KubeTemplate;
  /** Deployment without replicas. */
  traffic: KubeObject;
  /** Deployment with replicas; absent when not wanted, or when it cannot be rendered (then what runs stays). */
  backup?: KubeObject;
  /** In the order to apply: what pods need to start first. */
  others: readonly KubeObject[];
}

/** Every object of the group as it should be. Pure, and the same text for the same facts. */
export function desired(facts: Facts, publication: Publication): Desired {
  const { before, after, ...rest } = known.get(facts) ?? unpublished(facts);
  const budget = disruptionBudget(facts, publication.frozen);
  const told = [startConfig(facts, publication), ...(budget === undefined ? [] : [budget])];
  return { ...rest, others: [...before, ...told, ...after] };
}

interface Unpublished extends Omit<Desired, "others"> {
  before: readonly KubeObject[];
  after: readonly KubeObject[];
}

/** One look decides twice, first without knowing what is to be published: the rest is the same and made once. */
const known = new WeakMap<Facts, Unpublished>();

function unpublished(facts: Facts): Unpublished {
  const live = liveOf(facts, "traffic");
  const names = configNames(facts, live);
  const { template, proofKey, problems } = trafficTemplate(facts, names, live);
  const hashes = { inputsHash: inputsHash(facts, live), templateHash: hashOf(template) };
  const backup = backupDeployment(facts, names.exporter);
  const address = service(facts);
  const keep = keepOf(facts, problems, hashes, live);
  const made: Unpublished = {
    problems: [...problems, ...backup.problems],
    ...(keep === undefined ? {} : { keep }),
    proofKey,
    ...hashes,
    template,
    traffic: trafficDeployment(facts, template, hashes),
    ...(backup.object === undefined ? {} : { backup: backup.object }),
    before: [...accounts(facts), networkPolicy(facts), ...renderedConfigs(facts, names)],
    after: address === undefined ? [] : [address],
  };
  known.set(facts, made);
  return made;
}

interface Hashes {
  inputsHash: string;
  templateHash: string;
}

function keepOf(facts: Facts, problems: readonly Problem[], hashes: Hashes, live: Live | undefined): Keep | undefined {
  if (facts.rendered.normal === undefined) return "Unrendered";
  if (problems.length > 0) return "Refused";
  return live !== undefined && isDrifted(hashes, live) ? "Drifted" : undefined;
}

/** The same wish, rendered differently: an upgrade of Holdfast must not roll pods. */
export function isDrifted(wanted: Hashes, live: Pick<WorkloadFact, "annotations">): boolean {
  const { annotations } = live;
  return (
    annotations[ANNOTATION.inputsHash] === wanted.inputsHash &&
    annotations[ANNOTATION.templateHash] !== wanted.templateHash
  );
}
