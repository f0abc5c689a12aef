// Objects as versions before the labels had values of their own wrote them: the same, but for labels and Argo CD's marks.
import { NEVER_PRUNED } from "../../../operator/api/names.ts";
import { withAppliedHash } from "../../../operator/domain/desired/common.ts";
import { hashOf } from "../../../operator/domain/values/hash.ts";
import type { Loose } from "../deciding.ts";

const FORMER = { "app.kubernetes.io/name": "gateway", "app.kubernetes.io/instance": "edge" };

function former(object: Loose): Loose {
  const { metadata, spec } = object;
  Object.assign(metadata, { uid: `uid-${object.kind}-${metadata.name}`, resourceVersion: "7" });
  Object.assign(metadata.labels, FORMER);
  for (const key of Object.keys(NEVER_PRUNED)) delete metadata.annotations[key];
  delete metadata.annotations["holdfast.dev/applied-hash"];
  if (object.kind === "Deployment") {
    Object.assign(spec.template.metadata.labels, FORMER);
    delete metadata.annotations["holdfast.dev/template-hash"]; // the exporter had none
    if (metadata.name === "edge") metadata.annotations["holdfast.dev/template-hash"] = hashOf(spec.template);
  }
  const { uid: _, resourceVersion: __, ...meant } = metadata;
  metadata.annotations = withAppliedHash({ ...object, metadata: meant }).metadata.annotations;
  return object;
}

/** The group was made by such a version, and this one looks at it for the first time. */
export function madeByFormerVersion(facts: Loose): void {
  facts.children.byName = new Map([...facts.children.byName].map(([id, object]: Loose) => [id, former(object)]));
  const live = facts.children.byName.get("Deployment/edge");
  facts.children.traffic.annotations = live.metadata.annotations;
  for (const set of facts.children.traffic.replicaSets) set.template = live.spec.template;
}
