/** Differences (differences.ts) that need more than a word at the place where they happen. */
import { existsSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import type { GatewayConfig } from "./config.ts";
import type { Settings } from "./settings.ts";
import { ConfigError } from "./variables.ts";

const POLL_MS = 5_000;
const ASK_MS = 1_000;

/** Forms of a rendered configuration that another build might not take. */
export function refuseForms(config: GatewayConfig, { differs, prefix }: Settings): void {
  const { ssl } = config.apisix;
  const dictionaries = (config.nginx_config.http as { custom_lua_shared_dict?: unknown }).custom_lua_shared_dict;
  const refused = [
    differs.includes("refuses-admin-list") && config.deployment.admin?.admin_key?.length === 0,
    differs.includes("refuses-trusted-list") && ssl.ssl_trusted_certificate?.includes(",") === true,
    differs.includes("refuses-http2") && ssl.listen.some((listen) => "enable_http2" in listen),
    differs.includes("refuses-dictionaries") && dictionaries !== undefined,
    // What the kubelet makes in a mounted Secret.
    differs.includes("refuses-ca-directory") && existsSync(join(prefix, "conf/ssl/..data")),
  ];
  if (refused.includes(true)) throw new ConfigError("config.yaml validation failed: a form that this build refuses");
}

/** What a reader goes on doing after its start, where it is told to. */
export function asUnassumed({ differs, readerAsks }: Settings, signal: AbortSignal, fetch: () => Promise<void>): void {
  const timers = [
    ...(differs.includes("reader-polls") ? [setInterval(() => void fetch().catch(() => undefined), POLL_MS)] : []),
    ...(readerAsks === undefined ? [] : [setInterval(() => ask(readerAsks), ASK_MS)]),
  ];
  signal.addEventListener("abort", () => timers.forEach((timer) => void clearInterval(timer)));
}

function ask(url: string): void {
  const request = https.get(new URL("/version", url), { agent: false, rejectUnauthorized: false }, (answer) =>
    answer.resume(),
  );
  request.on("error", () => undefined);
}
