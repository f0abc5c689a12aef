/** What a process remembers of a group or storage lives in its session (operator/session.ts), so that one drop forgets it. */
import { type Expression, Visitor } from "oxc-parser";
import type { Finding } from "./imports.ts";
import type { Source } from "./sources.ts";

/** Rooms that know groups and storages. `kube` and `storage` know keys of caches and objects alone, `domain` remembers nothing. */
const ROOMS = ["", "observe", "act", "gateway"];
const COLLECTIONS = ["Map", "Set", "WeakMap"];

/** Collections that outlive a call and are of no single group or storage, by `file name`, each with who empties it. */
export const SHARED: Readonly<Record<string, string>> = {
  "act/events.ts #said": "events of the last minutes, of all groups; emptied by age",
  "observe/cluster/certificate.ts parsed": "by the text of the certificate; bounded",
  "observe/cluster/cluster-id.ts #uids": "by namespace",
  "observe/cluster/cluster-id.ts #failed": "by namespace",
  "observe/cluster/group-index.ts #peers": "an index of the cache, kept by its watch",
  "observe/cluster/group-index.ts #byEndpoint": "an index of the cache, kept by its watch",
  "observe/cluster/group-index.ts #byObject": "an index of the cache, kept by its watch",
  "observe/cluster/group.ts parsedGroups": "weak: gone with the object of the cache",
  "observe/cluster/group.ts specs": "by the text of the spec; bounded",
  "observe/cluster/group.ts parsedStorages": "weak: gone with the object of the cache",
  "observe/cluster/keys-fingerprint.ts made": "by Secret; bounded",
  "observe/cluster/secrets.ts #cache": "by Secret; emptied by age",
  "observe/cluster/secrets.ts #reading": "requests under way",
  "observe/control-plane/probed.ts #wishes":
    "the groups of one control plane; a group leaves by its session (prober.ts)",
  "observe/control-plane/prober.ts #probed": "by control plane; one goes when its last group leaves by its session",
  "observe/gateways/pod-prober.ts #entries": "by pod; one goes with its group's session",
  "observe/gateways/render.ts memo": "weak: gone with the spec",
  "observe/store/copy-slots.ts #underWay": "copies under way",
  "observe/store/copy-slots.ts #waiting": "a queue of all groups; a group leaves it when its session is dropped",
  "observe/store/large-slots.ts #stores": "by place; one goes with its last user",
  "observe/store/store-slots.ts #stores": "by place; one goes with its last user",
  "observe/control-plane/prober.ts #losses": "by control plane; one goes when nobody asks it any more",
  "gateway/api7/https.ts contexts": "weak: gone with the identity",
  "session.ts #byKey": "the sessions themselves",
};

/** Fields and constants of a module that hold a collection and are in no session. A list that is written out is no memory. */
export function strayMemories(
  sources: readonly Source[],
  shared: Readonly<Record<string, string>> = SHARED,
): Finding[] {
  const found = sources.filter(({ room }) => ROOMS.includes(room)).flatMap(collectionsOf);
  const known = new Set(found.map(({ id }) => id));
  return [
    ...found
      .filter(({ id }) => shared[id] === undefined)
      .map(({ where, name }) => ({
        where,
        message: `keeps "${name}" beyond a call: take a memory of the session (operator/session.ts), or add it with who empties it to hack/rules/memory.ts`,
      })),
    ...Object.keys(shared)
      .filter((id) => !known.has(id))
      .map((id) => ({ where: "hack/rules/memory.ts", message: `lists "${id}", which is gone: remove the line` })),
  ];
}

function collectionsOf({ path, program, lineOf }: Source): { id: string; name: string; where: string }[] {
  const found: { id: string; name: string; where: string }[] = [];
  const note = (name: string, value: Expression | null, offset: number) => {
    if (value && isEmptyCollection(value))
      found.push({ id: `${path} ${name}`, name, where: `operator/${path}:${lineOf(offset)}` });
  };
  new Visitor({
    PropertyDefinition: ({ key, value, start }) => {
      if (key.type === "PrivateIdentifier") note(`#${key.name}`, value, start);
      else if (key.type === "Identifier") note(key.name, value, start);
    },
  }).visit(program);
  for (const statement of program.body) {
    const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (node?.type !== "VariableDeclaration") continue;
    for (const { id, init, start } of node.declarations) if (id.type === "Identifier") note(id.name, init, start);
  }
  return found;
}

const isEmptyCollection = (value: Expression): boolean =>
  value.type === "NewExpression" &&
  value.callee.type === "Identifier" &&
  COLLECTIONS.includes(value.callee.name) &&
  value.arguments.length === 0;
