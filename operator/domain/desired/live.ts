import { ANNOTATION, childName } from "../../api/names.ts";
import type { KubeObject, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { isObject, type JsonObject, named, objectAt, objectsAt, textAt } from "../values/json.ts";
import { CONTAINER, VOLUME } from "./common.ts";

/**
 * What runs now. It stands in for every input that cannot be seen: an unreadable Secret or a vanished storage must
 * give the very template that is there, or it would roll pods into something worse.
 */
export interface Live {
  template: JsonObject;
  annotations: Readonly<Record<string, string>>;
}

export function liveOf(facts: Pick<Facts, "children" | "group">, role: "traffic" | "backup"): Live | undefined {
  const { children, group } = facts;
  const workload = children[role];
  const object = children.byName.get(`Deployment/${childName[role](group.name)}`);
  const template = templateOf(object) ?? newestTemplate(workload);
  if (template === undefined) return undefined;
  return { template, annotations: workload?.annotations ?? object?.metadata.annotations ?? {} };
}

function templateOf(object: KubeObject | undefined): JsonObject | undefined {
  const template = objectAt(object, "spec")["template"];
  return isObject(template) ? template : undefined;
}

function newestTemplate(workload: WorkloadFact | undefined): JsonObject | undefined {
  return workload?.replicaSets.toSorted((a, b) => b.revision - a.revision)[0]?.template;
}

export const templateMark = (live: Live | undefined, annotation: string): string | undefined =>
  textAt(live?.template, "metadata", "annotations", annotation);

/** The ConfigMap behind a volume. */
export function configMapOf(template: JsonObject | undefined, volume: string): string | undefined {
  const found = named(objectsAt(template, "spec", "volumes"), volume);
  return textAt(found, "configMap", "name");
}

/** The volume with the storage keys, where `choose` fills them in. */
export const storeVolumeOf = (template: JsonObject | undefined): JsonObject | undefined =>
  named(objectsAt(template, "spec", "volumes"), VOLUME.storeKeys);

export function gatewayEnvOf(template: JsonObject | undefined): readonly JsonObject[] {
  return objectsAt(named(objectsAt(template, "spec", "containers"), CONTAINER.gateway), "env");
}

/** Every ConfigMap that a template names, to keep it from being cleaned up. */
export function configMapsOf(template: JsonObject | undefined): string[] {
  return objectsAt(template, "spec", "volumes").flatMap((volume) => textAt(volume, "configMap", "name") ?? []);
}

/** Segments of the live inputs hash: the spec's, the storage's, the certificate's. */
export function liveInputs(live: Live | undefined): readonly (string | undefined)[] {
  return live?.annotations[ANNOTATION.inputsHash]?.split(".") ?? [];
}
