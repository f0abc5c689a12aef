// What is ordered in the simulated world: one group, and the store that it names.
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";

export const storageSpec = FallbackStorageSpec.parse({
  type: "S3",
  s3: { region: "eu-west-1", resourceBucket: "res", configBucket: "conf" },
  credentials: { secretRef: { name: "keys" } },
});

export function groupSpec(spec: object): GatewayGroupSpec {
  const base = {
    shortID: "edge",
    gateway: { image: "api7/api7-ee-3-gateway:3.9.13" },
    controlPlane: { endpoint: "https://dp-manager.api7.svc:7943", clientCertificateRef: { name: "cert" } },
    fallback: { storageRef: { name: "eu" } },
  };
  return GatewayGroupSpec.parse(merge(base, spec));
}

/** Short times, so that a story is short. */
export function quickly(spec: object): object {
  const quick = {
    backup: { exportIntervalSeconds: 5 },
    fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 20, recovery: { afterSeconds: 30 } },
  };
  return merge(quick, spec);
}

function merge(base: Record<string, unknown>, over: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    const both = isPlain(old) && isPlain(value);
    merged[key] = both ? merge(old, value) : value;
  }
  return merged;
}
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
