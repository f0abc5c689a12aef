/** Whose keys: the mark in the store, read against the uid of the namespace that it names. */
import { expect, test } from "vitest";
import { KubeError, type KubeFault } from "../../../operator/kube/errors.ts";
import { ClusterIds } from "../../../operator/observe/cluster/cluster-id.ts";
import { ownerOf } from "../../../operator/observe/cluster/owner.ts";
import { markOf, readMark } from "../../../operator/observe/store/beside.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";

const { signal } = new AbortController();
const EDGE = { namespace: "gw", name: "edge" };
const US = { cluster: "uid-gw", ...EDGE };

async function seen(
  body: string | undefined,
  uids: Record<string, string | undefined> = { gw: "uid-gw" },
  change: (storage: MemoryStorage) => void = () => undefined,
) {
  const storage = new MemoryStorage();
  if (body !== undefined) storage.put("resource", "7f-owner", body);
  change(storage);
  const clusters = {
    of: async (namespace: string) => {
      const uid = uids[namespace];
      if (uid === "silent") return { why: "no answer within 5000 ms", hidden: false };
      return uid === undefined ? { why: "forbidden", hidden: true } : { uid };
    },
  };
  return await ownerOf(clusters, EDGE, await readMark(storage.store(), "7f", signal));
}
const mark = (owner: object) => JSON.stringify(owner);

test.for<[string, Parameters<typeof seen>, object]>([
  ["there is none", [undefined], { is: "nobody", us: US }],
  ["it is this group's", [mark(US)], { is: "ours" }],
  [
    "it is another group's of this namespace: they are told apart elsewhere",
    [mark({ ...US, name: "other" })],
    { is: "ours" },
  ],
  [
    "it is of a namespace of this cluster that may be read",
    [mark({ cluster: "uid-b", namespace: "b", name: "edge" }), { gw: "uid-gw", b: "uid-b" }],
    { is: "ours" },
  ],
  [
    "it is of a namespace that may not be read",
    [mark({ cluster: "uid-b", namespace: "b", name: "edge" })],
    { is: "another", owner: { cluster: "uid-b", namespace: "b", name: "edge" }, us: US },
  ],
  [
    "it is of a namespace of which the API server says nothing just now",
    [mark({ cluster: "uid-b", namespace: "b", name: "edge" }), { gw: "uid-gw", b: "silent" }],
    { is: "unknown", reason: "StoreOwnerUnknown", why: "no answer within 5000 ms" },
  ],
  [
    "it is of a namespace with the same name in another cluster",
    [mark({ ...US, cluster: "uid-there" })],
    { is: "another", owner: { ...US, cluster: "uid-there" } },
  ],
  [
    "there is none, and this cluster is not known",
    [undefined, {}],
    { is: "unknown", reason: "StoreOwnerUnknown", why: "forbidden" },
  ],
  ["there is one, and this cluster is not known", [mark(US), {}], { is: "unknown", reason: "StoreOwnerUnknown" }],
  ["it names nobody", ["{}"], { is: "unknown", reason: "StorageMisconfigured" }],
  ["it is no JSON", ["x"], { is: "unknown", reason: "StorageMisconfigured" }],
  [
    "it is larger than a mark",
    [mark({ ...US, more: "x".repeat(5_000) })],
    { is: "unknown", reason: "StorageMisconfigured" },
  ],
  [
    "it may not be read",
    [mark(US), { gw: "uid-gw" }, (s) => s.failWith("AccessDenied")],
    { is: "unknown", reason: "StorageDenied" },
  ],
  [
    "the store is silent",
    [mark(US), { gw: "uid-gw" }, (s) => s.failWith("Timeout")],
    { is: "unknown", reason: "StorageUnavailable" },
  ],
])("the mark: %s", async ([, asked, owner]) => {
  expect(await seen(...asked)).toMatchObject(owner);
});

test("what is written is what is read", async () => {
  expect(await seen(Buffer.from(markOf(US)).toString())).toMatchObject({ is: "ours" });
});

test("the uid of a namespace is asked for once, and again a while after it could not be had", async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  let uid: string | undefined;
  const client = {
    get: async (_resource: object, _namespace: string | undefined, name: string) => {
      asked.push(name);
      if (uid === undefined) throw new Error("forbidden");
      return { metadata: { name, uid } };
    },
  };
  const clusters = new ClusterIds(client as never, clock);
  for (const _ of [1, 2]) expect(await clusters.of("gw")).toMatchObject({ why: expect.stringContaining("forbidden") });
  uid = "uid-gw";
  await clock.advance(10_000);
  for (const _ of [1, 2]) expect(await clusters.of("gw")).toEqual({ uid: "uid-gw" });
  expect(asked).toEqual(["gw", "gw"]);
});

test.for<[KubeFault | undefined, boolean]>([
  [undefined, true],
  ["NotFound", true],
  ["Forbidden", true],
  ["ResourceMissing", false],
  ["Unauthorized", false],
  ["TooManyRequests", false],
  ["Unavailable", false],
  ["Timeout", false],
  ["Network", false],
])(
  "the uid of a namespace, %s: the API server hides it is %s, also when asked again at once",
  async ([fault, hidden]) => {
    const get = async () => {
      if (fault) throw new KubeError(fault, "m");
      return undefined;
    };
    const clusters = new ClusterIds({ get } as never, new FakeClock());
    for (const _ of [1, 2]) expect(await clusters.of("gw")).toMatchObject({ hidden });
  },
);
