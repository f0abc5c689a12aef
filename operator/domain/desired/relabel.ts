import { instanceOf, LABEL, NEVER_PRUNED, ROLES } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Step } from "../plan.ts";
import { labelsOf } from "./common.ts";

/** The value that Holdfast wrote before its labels had values of their own; the vendor's chart writes it, too. */
const SHARED_NAME = "gateway";

/**
 * Metadata alone of what carries labels of a former version and is not written anew now: a Deployment whose template
 * waits, a configuration that only running pods still mount. Argo CD and other tools go by the labels of the object, so
 * they cannot wait for a roll; the labels of pods do. Only from the former values to the present ones: where a webhook
 * writes others, nobody wins by writing again; and where it writes the former ones, only now and then.
 */
export function relabelSteps(facts: Facts, writtenAnyway: readonly Step[]): Step[] {
  const written = new Set(writtenAnyway.flatMap((step) => (step.do === "apply" ? [idOf(step.object)] : [])));
  return [...facts.children.byName.values()]
    .filter((object) => hasFormerLabels(facts, object) && !written.has(idOf(object)))
    .filter((object) => !isRelabelled(facts, object))
    .flatMap((object) => relabel(facts, object));
}

export function hasFormerLabels({ group }: Facts, { metadata: { labels = {} } }: KubeObject): boolean {
  const former = labels[LABEL.name] === SHARED_NAME || labels[LABEL.instance] === group.name;
  return former && labels[LABEL.instance] !== instanceOf(group.name);
}

/** The cluster changed a label of it as Holdfast wrote it. */
const isRelabelled = ({ children: { overridden = [] } }: Facts, { kind, metadata }: KubeObject): boolean =>
  overridden.some(
    ({ again, paths, uid, ...one }) =>
      !again && one.kind === kind && uid === metadata.uid && paths.some((path) => path.startsWith("metadata.labels")),
  );

function relabel(facts: Facts, { apiVersion, kind, metadata }: KubeObject): Step[] {
  const { name, uid, resourceVersion, ownerReferences = [] } = metadata;
  const role = ROLES.find((one) => one === metadata.labels?.[LABEL.role]);
  if (role === undefined || uid === undefined || resourceVersion === undefined) return [];
  const annotations = ownerReferences.length > 0 ? {} : NEVER_PRUNED;
  const why = "labels that no other release or tool takes for its own";
  return [
    {
      do: "relabel",
      apiVersion,
      kind,
      name,
      uid,
      resourceVersion,
      labels: labelsOf(facts, role),
      annotations: { ...annotations },
      why,
    },
  ];
}

const idOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`;
