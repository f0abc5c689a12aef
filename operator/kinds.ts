import { API_VERSION } from "./api/names.ts";
import { defineResource, type KubeObject } from "./kube/resources.ts";

/** Our two kinds as they are on the wire: spec and status are parsed at the door (observe/cluster/group.ts), not trusted. */
export interface CustomObject extends KubeObject {
  spec?: unknown;
  status?: unknown;
}

export const gatewayGroups = defineResource<CustomObject>(API_VERSION, "GatewayGroup", "gatewaygroups");
export const fallbackStorages = defineResource<CustomObject>(API_VERSION, "FallbackStorage", "fallbackstorages");

/** "namespace/name": the key that memories, caches and metrics of a group or a storage are kept under. */
export const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;
