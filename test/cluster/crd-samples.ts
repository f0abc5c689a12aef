/** The shortest useful objects (README), and helpers to change one thing in them. */
import { API_VERSION } from "../../operator/api/names.ts";

export type Kind = "GatewayGroup" | "FallbackStorage";
export interface Sample {
  apiVersion: string;
  kind: Kind;
  metadata: { name: string; namespace: string; resourceVersion?: string; labels?: Record<string, string> };
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
}

export const NAMESPACE = "crd-tests";
export const PLURAL = { GatewayGroup: "gatewaygroups", FallbackStorage: "fallbackstorages" } as const;

export function pathOf(kind: Kind, name = ""): string {
  return `/apis/${API_VERSION}/namespaces/${NAMESPACE}/${PLURAL[kind]}${name && `/${name}`}`;
}

export function shortest(kind: Kind, name: string): Sample {
  const metadata = { name, namespace: NAMESPACE };
  if (kind === "FallbackStorage") {
    return {
      apiVersion: API_VERSION,
      kind,
      metadata,
      spec: {
        type: "S3",
        s3: { region: "eu-west-1", resourceBucket: "acme-gw-resources", configBucket: "acme-gw-config" },
        credentials: { type: "SecretKeys", secretRef: { name: "gw-s3" } },
      },
    };
  }
  return {
    apiVersion: API_VERSION,
    kind,
    metadata,
    spec: {
      shortID: "7f3a91",
      gateway: { image: "api7/api7-ee-3-gateway:3.9.3" },
      controlPlane: {
        endpoint: "https://api7-dp-manager.api7.svc:7943",
        clientCertificateRef: { name: "edge-dp-cert" },
      },
      fallback: { storageRef: { name: "eu" } },
    },
  };
}

export const AZURE = {
  type: "AzureBlob",
  s3: undefined,
  azureBlob: { accountName: "acmegw", resourceContainer: "resources", configContainer: "configuration" },
};

/** JSON merge patch on plain data; `undefined` removes as null does. Lists replace. */
export function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const out: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined || value === null) delete out[key];
    else out[key] = merge(out[key], value);
  }
  return out;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
