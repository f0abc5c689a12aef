import { z } from "zod";

const BATCH = 500;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** `{"routes": [{"id": "1", ...}], "upstreams": [...]}`: what a dashboard would have written. */
export const ObjectLists = z.record(z.string(), z.array(z.looseObject({ id: z.union([z.string(), z.number()]) })));
export type ObjectLists = z.infer<typeof ObjectLists>;

export const SeedOrder = z.strictObject({
  /** Routes r1..rN. r1 is `/r1` and `/r1/*`, ...; the first also answers `/*` when `catchAll` says so. */
  routes: z.int().min(0).max(100_000),
  services: z.int().min(0).max(100_000).default(1),
  upstreams: z.int().min(1).max(100_000).default(1),
  /** `{"host:port": weight}` of every upstream. */
  nodes: z.record(z.string(), z.number()),
  host: z.string().optional(),
  catchAll: z.boolean().default(true),
  /** Deletes everything else first. */
  replace: z.boolean().default(true),
});
export type SeedOrder = z.input<typeof SeedOrder>;

/** Upstreams u1.., services s1.. each on an upstream, routes r1.. in turn on an upstream and on a service. */
export function seedObjects(order: z.infer<typeof SeedOrder>): ObjectLists {
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const now = 1_760_000_000;
  const stamps = { create_time: now, update_time: now };
  const host = order.host === undefined ? {} : { host: order.host };
  const target = (index: number): object =>
    index % 2 === 1 && order.services > 0
      ? { service_id: `s${(index % order.services) + 1}` }
      : { upstream_id: `u${(index % order.upstreams) + 1}` };
  const routes = numbers(order.routes).map((index) => {
    const uris = [`/r${index + 1}`, `/r${index + 1}/*`, ...(index === 0 && order.catchAll ? ["/*"] : [])];
    return { id: `r${index + 1}`, name: `route ${index + 1}`, uris, ...host, ...target(index), status: 1, ...stamps };
  });
  return {
    upstreams: numbers(order.upstreams).map((index) => ({
      id: `u${index + 1}`,
      type: "roundrobin",
      nodes: order.nodes,
      ...stamps,
    })),
    services: numbers(order.services).map((index) => ({
      id: `s${index + 1}`,
      name: `service ${index + 1}`,
      upstream_id: `u${(index % order.upstreams) + 1}`,
      ...stamps,
    })),
    routes,
  };
}

/** The data behind the control plane: written by the admin port only, straight into etcd. */
export class Data {
  private readonly etcdUrl: string;
  private readonly prefix: string;

  constructor(etcdUrl: string, prefix = "/apisix") {
    this.etcdUrl = etcdUrl;
    this.prefix = prefix;
  }

  async put(lists: ObjectLists): Promise<number> {
    const all = Object.entries(lists).flatMap(([kind, items]) =>
      items.map((item) => ({ key: base64(`${this.prefix}/${kind}/${item.id}`), value: base64(JSON.stringify(item)) })),
    );
    for (let from = 0; from < all.length; from += BATCH) {
      const success = all.slice(from, from + BATCH).map((request_put) => ({ request_put }));
      await this.post("/v3/kv/txn", { success });
    }
    return all.length;
  }

  async remove(kind: string, id: string): Promise<void> {
    await this.post("/v3/kv/deleterange", { key: base64(`${this.prefix}/${kind}/${id}`) });
  }

  async removeAll(): Promise<void> {
    await this.post("/v3/kv/deleterange", { key: base64(`${this.prefix}/`), range_end: base64(`${this.prefix}0`) });
  }

  async count(): Promise<number> {
    const body = { key: base64(`${this.prefix}/`), range_end: base64(`${this.prefix}0`), count_only: true };
    const answer = (await this.post("/v3/kv/range", body)) as { count?: string };
    return Number(answer.count ?? 0);
  }

  private async post(path: string, body: object): Promise<unknown> {
    const answer = await fetch(this.etcdUrl + path, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(`etcd ${path}: status ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }
}
