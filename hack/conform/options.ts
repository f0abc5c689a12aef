import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CannotAsk } from "./outcome.ts";

export interface Options {
  image: string;
  version?: string;
  holdfastImage: string;
  controlPlane: string;
  serverName?: string;
  certificate: { secret: { namespace: string; name: string } } | { cert: string; key: string; ca?: string };
  shortID: string;
  check?: { path: string; host?: string };
  gatewayConfig: Record<string, unknown>;
  env: { name: string; value: string }[];
  pullSecret?: { namespace: string; name: string };
  context?: string;
  json?: string;
  keep: boolean;
  startSeconds: number;
}

export const USAGE = `hack/conformance: asks a real gateway whether it does what Holdfast relies on. Works in a namespace of its own in the
cluster of the current kubeconfig, and removes it at the end. Prints a table: fact, expected, seen.

  --image IMAGE                 gateway to ask, e.g. api7/api7-ee-3-gateway:3.9.13
  --version VERSION             of the gateway, where the tag of the image is none
  --holdfast-image IMAGE        Holdfast's image, as in the chart's values
  --control-plane URL           https://HOST:PORT of the control plane (dp-manager), reached from pods
  --server-name NAME            name in its certificate, where that is not HOST
  --client-certificate-secret NAMESPACE/NAME   Secret with tls.crt, tls.key and ca.crt of the gateway group, or
  --client-certificate FILE --client-key FILE [--ca FILE]
  --short-id ID                 of the gateway group
  --check-path PATH             of a route that this group answers, e.g. /healthz; without it some facts are not asked
  --check-host HOST             Host header for it
  --gateway-config JSON|@FILE   as spec.gateway.config
  --env NAME=VALUE              for the gateway's container, may be repeated
  --pull-secret NAMESPACE/NAME  for both images
  --context NAME                of the kubeconfig
  --start-seconds N             how long a gateway may take to start (60)
  --json FILE                   also write the report as JSON; - writes it to stdout instead of the table
  --keep                        leave the namespace, and the gateways in it, for a look

Exit code: 0 every fact is as expected, 1 a fact differs, 2 a fact could not be asked.
`;

const SHORT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Rejects with CannotAsk: what is wrong, and what to write instead. */
export function readOptions(argv: readonly string[]): Options | "help" {
  const text = { type: "string" } as const;
  let values: Record<string, string | string[] | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        image: text,
        version: text,
        "holdfast-image": text,
        "control-plane": text,
        "server-name": text,
        "client-certificate-secret": text,
        "client-certificate": text,
        "client-key": text,
        ca: text,
        "short-id": text,
        "check-path": text,
        "check-host": text,
        "gateway-config": text,
        env: { type: "string", multiple: true },
        "pull-secret": text,
        context: text,
        json: text,
        "start-seconds": text,
        keep: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    throw new CannotAsk(`${(error as Error).message.split(".", 1)[0]}: --help lists the options`);
  }
  if (values["help"] === true) return "help";
  const optional = (name: string): string | undefined => values[name] as string | undefined;
  const required = (name: string): string => {
    const value = optional(name);
    if (value === undefined || value === "") throw new CannotAsk(`--${name} is missing: --help says what it is`);
    return value;
  };
  const image = required("image");
  const path = optional("check-path");
  if (path !== undefined && !path.startsWith("/")) throw new CannotAsk(`--check-path ${path}: begin it with /`);
  const host = optional("check-host");
  const seconds = Number(optional("start-seconds") ?? 60);
  if (!(seconds >= 5 && seconds <= 600)) throw new CannotAsk("--start-seconds: give a number from 5 to 600");
  const shortID = required("short-id");
  if (!SHORT_ID.test(shortID))
    throw new CannotAsk("--short-id: letters, digits, dots, underscores and dashes, at most 63");
  const pull = optional("pull-secret");
  return {
    image,
    holdfastImage: required("holdfast-image"),
    controlPlane: endpointIn(required("control-plane")),
    certificate: certificateIn(optional),
    shortID,
    gatewayConfig: configIn(optional("gateway-config")),
    env: ((values["env"] as string[] | undefined) ?? []).map(variableIn),
    keep: values["keep"] === true,
    startSeconds: seconds,
    ...(path === undefined ? {} : { check: { path, ...(host === undefined ? {} : { host }) } }),
    ...(pull === undefined ? {} : { pullSecret: secretIn("--pull-secret", pull) }),
    ...named("version", optional("version")),
    ...named("serverName", optional("server-name")),
    ...named("context", optional("context")),
    ...named("json", optional("json")),
  };
}

function named<K extends string>(key: K, value: string | undefined): { [k in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [k in K]?: string };
}

function endpointIn(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url?.protocol === "https:" && url.username === "" && url.password === "" && url.search === "";
  if (!bare) throw new CannotAsk("--control-plane: write it as https://HOST:PORT, without user and query");
  return text.replace(/\/$/, "");
}

function secretIn(option: string, text: string): { namespace: string; name: string } {
  const [namespace = "", name = "", ...rest] = text.split("/");
  if (namespace === "" || name === "" || rest.length > 0) throw new CannotAsk(`${option}: write it as NAMESPACE/NAME`);
  return { namespace, name };
}

function certificateIn(optional: (name: string) => string | undefined): Options["certificate"] {
  const secret = optional("client-certificate-secret");
  const [cert, key, ca] = [optional("client-certificate"), optional("client-key"), optional("ca")];
  if (secret !== undefined && cert === undefined && key === undefined)
    return { secret: secretIn("--client-certificate-secret", secret) };
  if (secret !== undefined || cert === undefined || key === undefined)
    throw new CannotAsk("give --client-certificate-secret, or --client-certificate and --client-key");
  return { cert: readFile(cert), key: readFile(key), ...(ca === undefined ? {} : { ca: readFile(ca) }) };
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CannotAsk(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function configIn(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  const json = text.startsWith("@") ? readFile(text.slice(1)) : text;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Below.
  }
  throw new CannotAsk("--gateway-config: give a JSON object, or @FILE that holds one");
}

function variableIn(text: string): { name: string; value: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new CannotAsk("--env: write it as NAME=VALUE");
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
