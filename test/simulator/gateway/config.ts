import { readFileSync } from "node:fs";
import os from "node:os";
import { parse } from "yaml";
import { z } from "zod";
import { ConfigError, substitute } from "./variables.ts";

const port = z.int().min(0).max(65_535);
const listen = z.union([
  port.transform((value) => ({ ip: "0.0.0.0", port: value })),
  z.looseObject({ ip: z.string().default("0.0.0.0"), port: port.default(9080) }),
]);
const address = z.looseObject({ ip: z.string().optional(), port: port.optional() });

const AwsS3 = z.looseObject({
  region: z.string(),
  resource_bucket: z.string(),
  config_bucket: z.string(),
  access_key: z.string().optional(),
  secret_key: z.string().optional(),
  endpoint: z
    .string()
    .regex(/^https?:\/\//)
    .optional(),
  use_path_style: z.boolean().default(false),
});
const AzureBlob = z.looseObject({
  account_name: z.string(),
  resource_container: z.string(),
  config_container: z.string(),
  account_key: z.string().optional(),
  endpoint: z.string().optional(),
});
const FallbackCp = z
  .looseObject({
    mode: z.enum(["read", "write"]),
    interval: z.number().positive().default(60),
    aws_s3: AwsS3.optional(),
    azure_blob: AzureBlob.optional(),
  })
  .refine((f) => (f.aws_s3 === undefined) !== (f.azure_blob === undefined), "needs exactly one of aws_s3, azure_blob");
const Etcd = z.looseObject({
  host: z.array(z.string().regex(/^https?:\/\//)).min(1),
  prefix: z.string().default("/apisix"),
  timeout: z.number().positive().default(30),
  watch_timeout: z.number().positive().default(50),
  startup_retry: z.int().min(0).default(2),
  tls: z
    .looseObject({
      cert: z.string().optional(),
      key: z.string().optional(),
      verify: z.boolean().default(true),
      sni: z.string().optional(),
    })
    .prefault({}),
});
const Deployment = z.looseObject({
  role: z.enum(["traditional", "data_plane", "control_plane"]),
  role_traditional: z.looseObject({ config_provider: z.string() }).optional(),
  role_data_plane: z.looseObject({ config_provider: z.string() }).optional(),
  admin: z.looseObject({ admin_key: z.array(z.looseObject({ key: z.string() })).optional() }).optional(),
  etcd: Etcd.optional(),
  fallback_cp: FallbackCp.optional(),
});
const Apisix = z.looseObject({
  node_listen: z
    .preprocess((v) => (Array.isArray(v) ? v : [v]), z.array(listen))
    .default([{ ip: "0.0.0.0", port: 9080 }]),
  enable_control: z.boolean().default(true),
  control: address.optional(),
  status: address.optional(),
  ssl: z
    .looseObject({
      enable: z.boolean().default(false),
      listen: z.array(listen).default([{ ip: "0.0.0.0", port: 9443 }]),
      ssl_trusted_certificate: z.string().optional(),
    })
    .prefault({}),
  worker_startup_time_threshold: z.number().optional(),
});
const NginxConfig = z.looseObject({
  worker_processes: z.union([z.literal("auto"), z.int().min(1)]).default("auto"),
  worker_shutdown_timeout: z.union([z.string(), z.number()]).default("240s"),
  envs: z.array(z.string()).default([]),
  http: z.looseObject({ keepalive_timeout: z.union([z.string(), z.number()]).default("60s") }).prefault({}),
});
const Prometheus = z.looseObject({
  enable_export_server: z.boolean().default(true),
  refresh_interval: z.number().positive().default(15),
  export_addr: address.optional(),
});

/** The blocks of config.yaml that the simulator acts on; everything else is accepted and ignored, as nginx would. */
export const GatewayConfig = z.looseObject({
  deployment: Deployment,
  apisix: Apisix.prefault({}),
  nginx_config: NginxConfig.prefault({}),
  api7ee: z
    .looseObject({ status_endpoint: z.looseObject({ enabled: z.boolean().default(false) }).optional() })
    .prefault({}),
  plugin_attr: z.looseObject({ prometheus: Prometheus.prefault({}) }).prefault({}),
});
export type GatewayConfig = z.infer<typeof GatewayConfig>;
export type EtcdConfig = z.infer<typeof Etcd>;
export type FallbackConfig = z.infer<typeof FallbackCp>;

/** normal: reads etcd, serves. exporter: reads etcd, writes the store, no listener. reader: serves what it once read from
 *  the store. file: serves conf/apisix.json (open source, standalone). */
export type Role = "normal" | "exporter" | "reader" | "file";

/** Reads, substitutes and checks config.yaml. Rejects with ConfigError only; the message never repeats a value. */
export function readConfig(path: string, env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`cannot read ${path}: ${(cause as NodeJS.ErrnoException).code ?? "unknown error"}`, {
      cause,
    });
  }
  return parseConfig(text, env);
}

export function parseConfig(text: string, env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (cause) {
    throw new ConfigError(`invalid config.yaml file: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  const parsed = GatewayConfig.safeParse(substitute(raw ?? {}, env));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `property "${issue.path.join(".")}": ${issue.message}`);
    throw new ConfigError(`config.yaml validation failed: ${problems.join("; ")}`);
  }
  return parsed.data;
}

export function roleOf(config: GatewayConfig): Role {
  const { deployment: d } = config;
  const provider =
    d.role === "data_plane" ? d.role_data_plane?.config_provider : (d.role_traditional?.config_provider ?? "etcd");
  if (d.role === "control_plane") throw new ConfigError("deployment.role control_plane is not a data plane");
  if (d.fallback_cp?.mode === "read") {
    if (provider !== "json")
      throw new ConfigError("fallback_cp.mode read needs role data_plane with config_provider json");
    return "reader";
  }
  if (provider === "json") return "file";
  if (provider !== "etcd") throw new ConfigError(`config_provider ${provider} is not simulated`);
  if (d.etcd === undefined) throw new ConfigError("config_provider etcd needs deployment.etcd");
  return d.fallback_cp?.mode === "write" ? "exporter" : "normal";
}

/** `auto` counts the host's cores, whatever the pod's limit or the CPU affinity; APISIX_WORKER_PROCESSES wins. */
export function workerCount(config: GatewayConfig, env: Readonly<Record<string, string | undefined>>): number {
  const wanted = env["APISIX_WORKER_PROCESSES"] ?? config.nginx_config.worker_processes;
  return Math.max(1, wanted === "auto" ? os.cpus().length : Number(wanted));
}
