import type { KubeObject } from "../../operator/kube/resources.ts";
import { type Exchange, statusBody } from "./stub-exchange.ts";

/** A kind of object, kept and watched as an API server does: versions, paging, continue, watches from a version. */
export class StubWorld {
  version = 100;
  readonly objects = new Map<string, KubeObject>();
  #log: { type: string; object: KubeObject; version: number }[] = [];
  readonly #watches = new Set<Exchange>();

  set(name: string, fields: object = {}, uid = `uid-${name}`, namespace = "a"): KubeObject {
    const key = `${namespace}/${name}`;
    const type = this.objects.has(key) ? "MODIFIED" : "ADDED";
    this.version += 1;
    const object = { ...fields, metadata: { name, namespace, uid, resourceVersion: String(this.version) } };
    this.objects.set(key, object);
    this.#emit(type, object);
    return object;
  }

  remove(name: string, namespace = "a"): void {
    const object = this.objects.get(`${namespace}/${name}`);
    if (!object) throw new Error(`no object ${name}`);
    this.objects.delete(`${namespace}/${name}`);
    this.version += 1;
    this.#emit("DELETED", { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } });
  }

  bookmark(): void {
    this.version += 1;
    this.#emit("BOOKMARK", { metadata: { resourceVersion: String(this.version) } as KubeObject["metadata"] }, false);
  }

  /** Forgets history: a watch from an older version gets 410. */
  compact(): void {
    this.#log = [];
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** Text into every open watch. */
  say(text: string): void {
    for (const watch of this.#watches) watch.line(text);
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  readonly answer = (exchange: Exchange): void => {
    const { query, method } = exchange.request;
    if (method !== "GET") {
      exchange.json(405, statusBody(405, "MethodNotAllowed", "the world is only read"));
      return;
    }
    if (query["watch"] !== undefined) {
      this.#watch(exchange, Number(query["resourceVersion"]));
      return;
    }
    const all = [...this.objects.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const from = Number(query["continue"] ?? 0);
    const limit = Number(query["limit"] ?? all.length);
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    exchange.json(200, {
      metadata: { resourceVersion: String(this.version), ...next },
      items: all.slice(from, from + limit),
    });
  };

  #watch(exchange: Exchange, from: number): void {
    exchange.openStream();
    const oldest = this.#log[0]?.version ?? this.version + 1;
    if (from < this.version && from + 1 < oldest) {
      exchange.line(`${JSON.stringify({ type: "ERROR", object: statusBody(410, "Expired", `too old: ${from}`) })}\n`);
      exchange.end();
      return;
    }
    for (const { type, object, version } of this.#log) {
      if (version > from) exchange.line(`${JSON.stringify({ type, object })}\n`);
    }
    this.#watches.add(exchange);
    exchange.onClose(() => this.#watches.delete(exchange));
  }

  #emit(type: string, object: KubeObject, kept = true): void {
    if (kept) this.#log.push({ type, object, version: this.version });
    this.say(`${JSON.stringify({ type, object })}\n`);
  }
}
