/** Who may import whom. docs/architecture.md states the same in words; test/hack/rules.test.ts plants a violation of each row. */
import type { Source } from "./sources.ts";

export interface Finding {
  /** `operator/domain/mode/mode.ts:12`. */
  where: string;
  message: string;
}

interface Room {
  /** Rooms whose files it may import, or a single file of one. Its own files always. */
  rooms: readonly string[];
  /** Packages and modules of Node, by prefix. */
  packages: readonly string[];
  because: string;
}

/** Functions of the domain that compute what a reader has to put into a fact; none of them decides. */
const PURE_HELPERS = [
  "domain/choice.ts",
  "domain/evidence/endpoint.ts",
  "domain/plan.ts",
  "domain/values/quantity.ts",
  "domain/values/selector.ts",
  "domain/desired/common.ts",
  "domain/desired/pod-labels.ts",
];
const FACTS = [
  "domain/facts/facts.ts",
  "domain/facts/cluster.ts",
  "domain/facts/neighbours.ts",
  "domain/facts/outside.ts",
  "domain/facts/problem.ts",
];

export const ROOMS: Readonly<Record<string, Room>> = {
  api: { rooms: [], packages: ["zod"], because: "api is the lowest room" },
  domain: {
    rooms: ["api"],
    packages: ["node:crypto", "node:util"],
    because: "the decision is pure: facts in, plan out",
  },
  observe: {
    rooms: ["api", "gateway", "storage", "kube", "kinds.ts", "log.ts", "session.ts", ...FACTS, ...PURE_HELPERS],
    packages: ["node:", "undici", "zod"],
    because: "observe looks and reports; it does not decide or act",
  },
  act: {
    rooms: [
      "api",
      "kube",
      "kinds.ts",
      "log.ts",
      "storage/store.ts",
      "domain/plan.ts",
      "domain/objects/diff.ts",
      "domain/objects/restored-copy.ts",
      "domain/objects/union.ts",
      ...FACTS,
    ],
    packages: ["node:util", "node:crypto"],
    because: "act carries a plan out; it does not look for itself or decide",
  },
  gateway: { rooms: [], packages: ["node:", "undici", "yaml"], because: "the gateway boundary stands alone" },
  storage: {
    rooms: [],
    packages: ["node:", "@aws-sdk/", "@smithy/", "@azure/", "undici"],
    because: "the storage boundary stands alone",
  },
  kube: {
    rooms: ["log.ts"],
    packages: ["node:", "@kubernetes/client-node", "undici", "prom-client"],
    because: "the runtime knows nothing of gateways",
  },
};

/** Imports that break the row of their room. Files beside the rooms compose them and may import all. */
export function forbiddenImports(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => {
    const room = ROOMS[source.room];
    if (!room) return [];
    return source.imports.flatMap(({ specifier, target, line }) => {
      if (isAllowed(room, source, specifier, target)) return [];
      const message = `imports ${target ?? specifier}: ${room.because}`;
      return [{ where: `operator/${source.path}:${line}`, message }];
    });
  });
}

function isAllowed(room: Room, source: Source, specifier: string, target: string | undefined): boolean {
  if (target === undefined) return room.packages.some((one) => specifier === one || isBelow(one, specifier));
  return isBelow(`${source.room}/`, target) || room.rooms.some((one) => target === one || isBelow(`${one}/`, target));
}

const isBelow = (prefix: string, path: string): boolean =>
  (prefix.endsWith("/") || prefix.endsWith(":")) && path.startsWith(prefix);

/** Each circle once, beginning with its first file by name. Imports of types count: a reader follows them, too. */
export function circles(sources: readonly Source[]): Finding[] {
  const targets = new Map(
    sources.map(({ path, imports }) => [path, [...new Set(imports.flatMap(({ target }) => target ?? []))].sort()]),
  );
  return components(targets)
    .filter((component) => component.length > 1 || targets.get(component[0] ?? "")?.includes(component[0] ?? ""))
    .map((component) => {
      const [first = ""] = component;
      return { where: `operator/${first}`, message: `is part of a circle of imports: ${component.join(", ")}` };
    });
}

/** Tarjan's strongly connected components; each sorted by name. */
function components(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    low.set(path, order.get(path) ?? 0);
    stack.push(path);
    for (const target of targets.get(path) ?? []) {
      if (!targets.has(target)) continue;
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) low.set(path, Math.min(low.get(path) ?? 0, low.get(target) ?? 0));
    }
    if (low.get(path) !== order.get(path)) return;
    found.push(stack.splice(stack.indexOf(path)).sort());
  };
  for (const path of targets.keys()) if (!order.has(path)) visit(path);
  return found;
}
