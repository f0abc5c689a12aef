import {
  ANNOTATION,
  API_VERSION,
  APP_NAME,
  FIELD_MANAGER,
  instanceOf,
  LABEL,
  NEVER_PRUNED,
  type Role,
} from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { hashOf } from "../values/hash.ts";

/** Annotations between these rooms and the readers; what people use stands in api/names.ts. */
export const MARK = {
  /** On every child: hash of the object as it was meant. */
  appliedHash: "holdfast.dev/applied-hash",
  /** On traffic and backup templates: which client certificate a pod started with; another one restarts it. */
  clientCertificate: "holdfast.dev/client-certificate-version",
  /** On the backup template: which writer keys it started with. */
  writerSecret: "holdfast.dev/writer-secret-version",
  /** On rehearsal pods: which reader keys they prove. */
  readerSecret: "holdfast.dev/reader-secret-version",
} as const;

/** Fields of a pod's spec that what a gateway loads may hang on: a rehearsal has them, and a proof is for them. */
export const LOADS_WITH = [
  "automountServiceAccountToken",
  "enableServiceLinks",
  "hostUsers",
  "resourceClaims",
  "serviceAccountName",
  "shareProcessNamespace",
] as const;

export const CONTAINER = { choose: "choose", gateway: "gateway", rehearse: "rehearse", witness: "witness" } as const;

/** Volumes that Holdfast makes; a podTemplate may add others, not change these. */
export const VOLUME = {
  start: "start",
  normal: "normal",
  fallback: "fallback",
  certificate: "cp-cert",
  conf: "conf",
  instance: "instance",
  config: "config",
  storeKeys: "holdfast-store-keys",
} as const;

/** Nobody ever sets it: such a pod is never Ready, so no Service of the user's own sends requests to it. */
export const GATE = "holdfast.dev/never-serves";
export const NEVER_SERVES = [{ conditionType: GATE }];

type Identified = Pick<Facts, "group">;

export const selectorOf = (facts: Identified, role: Role): Record<string, string> => ({
  [LABEL.group]: facts.group.name,
  [LABEL.role]: role,
});

export const labelsOf = (facts: Identified, role: Role): Record<string, string> => ({
  [LABEL.managedBy]: FIELD_MANAGER,
  [LABEL.name]: APP_NAME,
  [LABEL.instance]: instanceOf(facts.group.name),
  [LABEL.component]: role,
  ...selectorOf(facts, role),
});

/** Whose it is, what it is, what not to do, which command tells more. Static: nothing in it changes with the state. */
export function about(facts: Identified, what: string, dont: string): Record<string, string> {
  const { name, namespace } = facts.group;
  const more = `kubectl -n ${namespace} describe gatewaygroup ${name}`;
  return { [ANNOTATION.about]: `${what} of GatewayGroup ${name}, kept by Holdfast. ${dont} More: ${more}` };
}
export const EDIT_THE_GROUP = "Change the GatewayGroup instead of this object: edits by hand are taken back.";

/** `blockOwnerDeletion` false: a foreground deletion of the group must not wait for pods that drain. */
export const ownerOf = (facts: Identified, controller: boolean): object => ({
  apiVersion: API_VERSION,
  kind: "GatewayGroup",
  name: facts.group.name,
  uid: facts.group.uid,
  ...(controller ? { controller: true } : {}),
  blockOwnerDeletion: false,
});

/** Kept: without an owner under Retain, so that deleting the group leaves all that traffic pods need to start. */
export type Fate = "kept" | "owned";

export interface Child {
  apiVersion: string;
  kind: string;
  name: string;
  role: Role;
  fate: Fate;
  about: Record<string, string>;
  annotations?: Record<string, string>;
  body: Record<string, unknown>;
}

/** The whole object, with the hash of itself. */
export function childObject(facts: Identified, child: Child): KubeObject {
  const owned = child.fate === "owned" || facts.group.spec.deletionPolicy === "Delete";
  return withAppliedHash({
    apiVersion: child.apiVersion,
    kind: child.kind,
    metadata: {
      name: child.name,
      namespace: facts.group.namespace,
      labels: labelsOf(facts, child.role),
      annotations: { ...(owned ? {} : NEVER_PRUNED), ...child.annotations, ...child.about },
      ...(owned ? { ownerReferences: [ownerOf(facts, true)] } : {}),
    },
    ...child.body,
  });
}

export function withAppliedHash(object: KubeObject): KubeObject {
  const annotations = { ...object.metadata.annotations, [MARK.appliedHash]: hashOf(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
