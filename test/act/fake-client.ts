// The few methods that a plan is carried out with, over objects in a Map, with the preconditions of the real server.
import type { WriteClient } from "../../operator/act/step-deps.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON of many kinds
type Loose = any;

export function fakeClient(objects: Loose[] = []) {
  const store = new Map<string, Loose>(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
  const calls: string[] = [];
  const failing = new Map<string, KubeFault | KubeError>();
  const bodies: Loose[] = [];
  let version = 100;
  const looks: string[] = [];
  let groupNow: () => Loose = () => ({ metadata: { name: "edge", uid: "uid-edge", resourceVersion: "41" } });
  const look = (name: string) => {
    looks.push(name);
    return groupNow();
  };
  const call = (verb: string, kind: string, name: string, body?: unknown) => {
    calls.push(`${verb} ${kind}/${name}`);
    bodies.push(body);
    const fault = failing.get(`${verb} ${kind}`) ?? failing.get(verb);
    if (fault instanceof KubeError) throw fault;
    if (fault) throw new KubeError(fault, `Cannot ${verb} ${kind} gw/${name}: ${fault}`);
  };
  const checked = (kind: string, seen: Loose): Loose => {
    const live = store.get(`${kind}/${seen.name}`);
    if (!live) throw new KubeError("NotFound", "gone");
    const { uid, resourceVersion } = live.metadata;
    if (seen.uid !== undefined && seen.uid !== uid) throw new KubeError("Conflict", "another uid");
    if (seen.resourceVersion !== undefined && seen.resourceVersion !== resourceVersion) {
      throw new KubeError("Conflict", "another version");
    }
    live.metadata.resourceVersion = String(++version);
    return live;
  };
  const client: Loose = {
    get: async (res: Loose, _ns: string, name: string) => {
      // The look at the group before a plan is carried out: of every plan that does something, so not among the calls.
      if (res.kind === "GatewayGroup") return look(name);
      call("get", res.kind, name);
      return store.get(`${res.kind}/${name}`);
    },
    list: async (res: Loose, options: Loose) => {
      call("list", res.kind, options.labelSelector);
      const items = [...store.values()].filter((object) => object.kind === res.kind);
      return { items, resourceVersion: String(version) };
    },
    create: async (res: Loose, object: Loose, options: Loose = {}) => {
      call(options.dryRun ? "dryRun" : "create", res.kind, object.metadata.name, object);
      const id = `${res.kind}/${object.metadata.name}`;
      if (store.has(id)) throw new KubeError("AlreadyExists", "taken");
      const made = {
        ...object,
        kind: res.kind,
        metadata: { ...object.metadata, uid: `uid-${id}`, resourceVersion: String(++version) },
      };
      if (!options.dryRun) store.set(id, made);
      return made;
    },
    apply: async (res: Loose, object: Loose) => {
      call("apply", res.kind, object.metadata.name, object);
      const live = checked(res.kind, { name: object.metadata.name, uid: object.metadata.uid });
      const { resourceVersion } = live.metadata;
      return Object.assign(live, object, { metadata: { ...live.metadata, ...object.metadata, resourceVersion } });
    },
    updateScale: async (res: Loose, seen: Loose, replicas: number) => {
      call("scale", res.kind, seen.name, replicas);
      const live = checked(res.kind, seen);
      live.spec.replicas = replicas;
      return live;
    },
    mergePatch: async (res: Loose, seen: Loose, patch: Loose) => {
      call("patch", res.kind, seen.name, patch);
      return checked(res.kind, seen);
    },
    jsonPatch: async (res: Loose, seen: Loose, operations: Loose) => {
      call("jsonPatch", res.kind, seen.name, operations);
      return checked(res.kind, seen);
    },
    delete: async (res: Loose, _ns: string, name: string, options: Loose) => {
      call("delete", res.kind, name, options);
      checked(res.kind, { name, ...options });
      store.delete(`${res.kind}/${name}`);
    },
    replaceStatus: async (res: Loose, seen: Loose, status: Loose, options: Loose = {}) => {
      if (options.signal?.aborted) throw new KubeError("Aborted", "Aborted by the caller");
      call("status", res.kind, seen.name, status);
      return { metadata: { name: seen.name, namespace: seen.namespace, resourceVersion: String(++version) } };
    },
  };
  return {
    client: client as WriteClient,
    calls,
    bodies,
    store,
    looks,
    /** What a live read of the group brings; without it: the group as acting.ts has decided on it. */
    groupIs: (now: () => Loose) => (groupNow = now),
    /** "create Service" or "create": rejects with this fault from now on. */
    fail: (what: string, fault: KubeFault | KubeError) => failing.set(what, fault),
  };
}
