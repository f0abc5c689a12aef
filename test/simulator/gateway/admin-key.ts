import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import type { GatewayConfig } from "./config.ts";
import { ConfigError } from "./variables.ts";

/** Measured on APISIX 3.18: a key that is not given, or is empty, is made at the start. An empty list asks for none. */
export function lacksAdminKey({ deployment }: GatewayConfig): boolean {
  if (deployment.role === "data_plane") return false;
  const keys = deployment.admin?.admin_key;
  return keys === undefined || keys.some(({ key }) => key === "");
}

/**
 * The key that was made is written INTO config.yaml, with each `${{ENV}}` resolved in clear. A file that cannot be written,
 * as one that is mounted read-only, ends the start.
 */
export function giveAdminKey(path: string, config: GatewayConfig, write = writeFileSync): void {
  if (!lacksAdminKey(config)) return;
  const admin_key = [{ name: "admin", key: randomBytes(16).toString("hex"), role: "admin" }];
  const admin = { ...config.deployment.admin, admin_key };
  try {
    write(path, stringify({ ...config, deployment: { ...config.deployment, admin } }));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new ConfigError(`failed to update the admin key in ${path}: ${code}`, { cause });
  }
}
