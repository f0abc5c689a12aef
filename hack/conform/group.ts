/** The group that a run's gateways are of, as the operator would know it, with Holdfast's own rendering. */
import { parse, stringify } from "yaml";
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";
import type { Facts, Rendered, SecretFact } from "../../operator/domain/facts/facts.ts";
import { GATEWAY_PROFILE } from "../../operator/gateway/api7/facts.ts";
import { readRendered } from "../../operator/observe/gateways/render.ts";
import type { Json } from "./cluster.ts";
import type { Options } from "./options.ts";
import { CannotAsk } from "./outcome.ts";

/** What of a rendered configuration a gateway may refuse, each with another way to say it. */
export const FORMS = ["adminList", "trustedList", "http2", "dictionaries", "caDirectory"] as const;
export type Form = (typeof FORMS)[number];

export interface Place {
  namespace: string;
  options: Options;
  token: string;
  /** Forms that this gateway refuses: rendered the other way, so that the rest can still be asked. */
  avoided: ReadonlySet<Form>;
}

export interface Wish {
  name: string;
  /** Of the relay: this gateway's own way to the control plane. */
  port: number;
  shortID: string;
  config?: Record<string, unknown>;
  fromSnapshot?: boolean;
}

export const PORT = {
  steady: 7943,
  exporter: 7944,
  late: 7945,
  reads: 7946,
  heartbeats: 7947,
  reader: 7948,
  other: 7950,
} as const;
export const SECRETS = {
  client: "client-certificate",
  store: "store",
  run: "run",
  relay: "relay",
  controlPlane: "control-plane",
  pull: "pull",
};
const UID = "00000000-0000-4000-8000-000000000000";

export const endpointOf = (namespace: string, port: number): string => `https://control-plane.${namespace}.svc:${port}`;

/** What the operator would know of a GatewayGroup of this name, had it made these objects. */
export function factsOf(place: Place, wish: Wish): Facts {
  const { namespace, options } = place;
  const parsed = GatewayGroupSpec.safeParse({
    shortID: wish.shortID,
    gateway: {
      image: options.image,
      workers: 1,
      ...(options.version === undefined ? {} : { version: options.version }),
      ...(options.pullSecret === undefined ? {} : { imagePullSecrets: [{ name: SECRETS.pull }] }),
      resources: { requests: { cpu: "50m", memory: "128Mi" } },
      config: { ...options.gatewayConfig, ...wish.config },
    },
    controlPlane: { endpoint: endpointOf(namespace, wish.port), clientCertificateRef: { name: SECRETS.client } },
    traffic: { drainSeconds: 2, podTemplate: withVariables(options) },
    backup: { exportIntervalSeconds: 3, podTemplate: withVariables(options) },
    fallback: { storageRef: { name: "store" } },
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CannotAsk(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const spec = parsed.data;
  const storage = FallbackStorageSpec.parse({
    type: "S3",
    s3: {
      region: "us-east-1",
      endpoint: `http://store.${namespace}.svc:7070`,
      resourceBucket: "resources",
      configBucket: "config",
    },
    credentials: { secretRef: { name: SECRETS.store } },
  });
  const rendered = readRendered(spec, storage);
  const [problem] = rendered.problems;
  if (problem !== undefined) throw new CannotAsk(problem.message);
  const secret = (name: string, keys: string[]): SecretFact => ({ seen: "present", name, resourceVersion: "1", keys });
  const keys = secret(SECRETS.store, ["accessKeyId", "secretAccessKey"]);
  return {
    nowMs: 0,
    monoMs: 0,
    watches: { oldest: "", staleForMs: 0 },
    group: {
      namespace,
      name: wish.name,
      uid: UID,
      resourceVersion: "1",
      generation: 1,
      annotations: {},
      spec,
      status: { observedGeneration: -1 },
      deleting: false,
      replicasSetBy: "other",
    },
    rendered: avoiding(rendered, place.avoided),
    storage: { seen: "present", name: "store", uid: UID, spec: storage },
    secrets: { client: secret(SECRETS.client, ["tls.crt", "tls.key", "ca.crt"]), writer: keys, reader: keys },
    children: { byName: new Map(), strangers: [], configsInUse: new Set() },
    pods: [],
    helpers: [],
    controlPlane: { operator: { view: "readsOk" } },
    snapshot: { raw: { seen: "absent" }, candidate: { seen: "absent" }, verified: { seen: "absent" } },
    peers: { controlPlanes: 1, controlPlanesLost: 0, moving: 0, sharing: 1, earlierWavesOpen: 0 },
    neighbours: { seen: [], unread: [] },
    operator: { chooseImage: options.holdfastImage, version: "conformance" },
  };
}

const withVariables = ({ env }: Options): object =>
  env.length === 0 ? {} : { spec: { containers: [{ name: "gateway", env }] } };

/** A file of its own, where the image has its certificates. */
export const CA_FILE = "/usr/local/apisix/conf/ssl/ca.crt";

const OTHER_WAY: Record<Form, (config: Json) => void> = {
  adminList: ({ deployment }) => {
    const unguessable = crypto.randomUUID();
    if (deployment.admin !== undefined)
      deployment.admin = { admin_key: [{ name: "admin", key: unguessable, role: "admin" }] };
  },
  trustedList: ({ apisix: { ssl } }) => {
    const file = String(ssl.ssl_trusted_certificate).split(",")[1];
    if (file === undefined) delete ssl.ssl_trusted_certificate;
    else ssl.ssl_trusted_certificate = file;
  },
  http2: ({ apisix: { ssl } }) => {
    for (const listen of ssl.listen) delete listen.enable_http2;
  },
  dictionaries: ({ nginx_config }) => {
    delete nginx_config.http.custom_lua_shared_dict;
  },
  caDirectory: ({ apisix: { ssl } }) => {
    ssl.ssl_trusted_certificate = String(ssl.ssl_trusted_certificate).replace(GATEWAY_PROFILE.caPath, CA_FILE);
  },
};

function avoiding(rendered: Rendered, avoided: ReadonlySet<Form>): Rendered {
  const text = (config: string | undefined): string | undefined => {
    if (config === undefined) return undefined;
    const value = parse(config);
    for (const form of avoided) OTHER_WAY[form](value);
    return stringify(value, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN", lineWidth: 0 });
  };
  if (avoided.size === 0) return rendered;
  const [normal, reader, exporter] = [text(rendered.normal), text(rendered.reader), text(rendered.exporter)];
  return { ...rendered, ...(normal && { normal }), ...(reader && { reader }), ...(exporter && { exporter }) };
}
