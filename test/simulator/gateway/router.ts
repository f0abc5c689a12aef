import type { Objects, Value } from "./objects.ts";

export interface Node {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}
export interface Upstream {
  readonly nodes: readonly Node[];
  readonly scheme: "http" | "https";
  readonly passHost: string;
  readonly upstreamHost: string | undefined;
  readonly retries: number | undefined;
  readonly timeoutMs: { readonly connect: number; readonly send: number; readonly read: number };
  /** Where the round robin stands, per node: the one thing here that changes. */
  readonly turns: number[];
}
export interface Route {
  readonly id: string;
  readonly hosts: readonly string[];
  readonly methods: readonly string[];
  readonly priority: number;
  readonly upstream: Upstream | undefined;
}
export type Match = Route | undefined;
export interface Router {
  match(method: string, host: string, path: string): Match;
}

/**
 * Builds the table of one worker: host before no host, exact uri before the longest prefix, then priority.
 * A route with status 0 is not there. What no route answers is a 404.
 */
export function buildRouter(objects: Objects): Router {
  const exact = new Map<string, Route[]>();
  const prefixes = new Map<string, Route[]>();
  const upstreams = new Map<string, Upstream | undefined>();
  const add = (table: Map<string, Route[]>, key: string, route: Route): void => {
    const list = table.get(key);
    if (list === undefined) table.set(key, [route]);
    else list.push(route);
  };
  for (const [id, { value }] of objects.routes) {
    if (value["status"] === 0) continue;
    const route = toRoute(id, value, objects, upstreams);
    for (const uri of texts(value["uris"], value["uri"])) {
      if (uri.endsWith("*")) add(prefixes, uri.slice(0, -1), route);
      else add(exact, uri, route);
    }
  }
  for (const table of [exact, prefixes])
    for (const list of table.values()) list.sort((a, b) => b.priority - a.priority);
  const lengths = [...new Set([...prefixes.keys()].map((prefix) => prefix.length))].sort((a, b) => b - a);

  const candidates = function* (path: string): Generator<Route[]> {
    const same = exact.get(path);
    if (same !== undefined) yield same;
    for (const length of lengths) {
      const list = length <= path.length ? prefixes.get(path.slice(0, length)) : undefined;
      if (list !== undefined) yield list;
    }
  };
  return {
    match(method, host, path) {
      let hostless: Match;
      for (const list of candidates(path)) {
        for (const route of list) {
          if (route.methods.length > 0 && !route.methods.includes(method)) continue;
          if (route.hosts.length === 0) hostless ??= route;
          else if (route.hosts.some((wanted) => hostMatches(wanted, host))) return route;
        }
      }
      return hostless;
    },
  };
}

function hostMatches(wanted: string, host: string): boolean {
  return wanted.startsWith("*") ? host.endsWith(wanted.slice(1)) : wanted === host;
}

function texts(many: unknown, one: unknown): string[] {
  return [...(Array.isArray(many) ? many : []), one].filter((text): text is string => typeof text === "string");
}

function toRoute(id: string, value: Value, objects: Objects, upstreams: Map<string, Upstream | undefined>): Route {
  const service = objects.services.get(String(value["service_id"]))?.value;
  const hosts = texts(value["hosts"], value["host"]);
  const shared = (owner: Value | undefined): Upstream | undefined => {
    if (owner === undefined) return undefined;
    if (isObject(owner["upstream"])) return toUpstream(owner["upstream"]);
    const upstreamId = owner["upstream_id"];
    if (upstreamId === undefined) return undefined;
    const key = String(upstreamId);
    const stored = objects.upstreams.get(key)?.value;
    if (!upstreams.has(key)) upstreams.set(key, stored === undefined ? undefined : toUpstream(stored));
    return upstreams.get(key);
  };
  return {
    id,
    hosts: (hosts.length > 0 ? hosts : texts(service?.["hosts"], undefined)).map((host) => host.toLowerCase()),
    methods: texts(value["methods"], undefined).map((method) => method.toUpperCase()),
    priority: Number(value["priority"] ?? 0),
    upstream: shared(value) ?? shared(service),
  };
}

const isObject = (value: unknown): value is Value =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function toUpstream(value: Value): Upstream {
  const timeout = isObject(value["timeout"]) ? value["timeout"] : {};
  const seconds = (name: string): number => Number(timeout[name] ?? 60) * 1_000;
  const scheme = value["scheme"] === "https" ? "https" : "http";
  return {
    nodes: toNodes(value["nodes"], scheme).filter((node) => node.weight > 0),
    scheme,
    passHost: String(value["pass_host"] ?? "pass"),
    upstreamHost: typeof value["upstream_host"] === "string" ? value["upstream_host"] : undefined,
    retries: typeof value["retries"] === "number" ? value["retries"] : undefined,
    timeoutMs: { connect: seconds("connect"), send: seconds("send"), read: seconds("read") },
    turns: [],
  };
}

/** `{"host:port": weight}` or `[{host, port, weight}]`. */
function toNodes(nodes: unknown, scheme: "http" | "https"): Node[] {
  const defaultPort = scheme === "https" ? 443 : 80;
  if (Array.isArray(nodes)) {
    return nodes.filter(isObject).map((node) => ({
      host: String(node["host"]),
      port: Number(node["port"] ?? defaultPort),
      weight: Number(node["weight"] ?? 1),
    }));
  }
  if (!isObject(nodes)) return [];
  return Object.entries(nodes).map(([address, weight]) => {
    const colon = address.lastIndexOf(":");
    const hasPort = colon > address.lastIndexOf("]") && colon >= 0;
    const host = (hasPort ? address.slice(0, colon) : address).replace(/^\[|\]$/g, "");
    return { host, port: hasPort ? Number(address.slice(colon + 1)) : defaultPort, weight: Number(weight) };
  });
}

/** The next node by smooth weighted round robin: deterministic, no bursts on the heavy one, none that was tried already. */
export function nextNode(upstream: Upstream, tried: ReadonlySet<Node> = new Set()): Node | undefined {
  let best = -1;
  let total = 0;
  upstream.nodes.forEach((node, index) => {
    if (tried.has(node)) return;
    total += node.weight;
    upstream.turns[index] = (upstream.turns[index] ?? 0) + node.weight;
    if (best < 0 || (upstream.turns[index] ?? 0) > (upstream.turns[best] ?? 0)) best = index;
  });
  if (best < 0) return undefined;
  upstream.turns[best] = (upstream.turns[best] ?? 0) - total;
  return upstream.nodes[best];
}
