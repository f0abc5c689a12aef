/** Which authorities are trusted while the ConfigMap that holds them cannot be read. */
import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { CaBundles } from "../../../operator/observe/cluster/ca-bundle.ts";
import type { Content } from "../../../operator/observe/cluster/secrets.ts";
import { Sessions } from "../../../operator/session.ts";
import { storage } from "../objects.ts";

const [ONE = "", TWO = ""] = rootCertificates;
const holds = (pem: string): Content => ({ seen: "present", resourceVersion: "1", data: { "ca.crt": pem } });
const UNREADABLE: Content = { seen: "unknown", why: "Timeout" };
const specWith = (name: string | undefined) => {
  const tls = name === undefined ? undefined : { caBundleRef: { name } };
  return FallbackStorageSpec.parse(storage("store", (spec) => Object.assign(spec, { tls })).spec);
};

function world() {
  let said: Content = UNREADABLE;
  const sessions = new Sessions();
  const bundles = new CaBundles({ configMap: async () => said }, sessions);
  const read = (content: Content, name: string | undefined = "ca", key = "gw/store") => {
    said = content;
    return bundles.read(key, "gw", name === "" ? specWith(undefined) : specWith(name), 60_000);
  };
  return { sessions, read };
}

test("it is what it last was, and that it cannot be read is told", async () => {
  const { read } = world();
  expect(await read(holds(ONE))).toEqual({ pem: ONE });
  expect(await read(holds(TWO))).toEqual({ pem: TWO });
  const problem = { reason: "StorageUnavailable", field: "spec.tls.caBundleRef", message: "Timeout" };
  expect(await read(UNREADABLE)).toEqual({ pem: TWO, problem });
  expect(await read(UNREADABLE)).toEqual({ pem: TWO, problem });
});

test.for<[string, (it: ReturnType<typeof world>) => unknown]>([
  ["it was never read", () => undefined],
  ["another storage's was", ({ read }) => read(holds(ONE), "ca", "gw/other")],
  ["another ConfigMap was", ({ read }) => read(holds(ONE), "before")],
  ["it was gone since", async ({ read }) => [await read(holds(ONE)), await read({ seen: "absent" })]],
  ["it was found broken since", async ({ read }) => [await read(holds(ONE)), await read(holds("hello"))]],
  ["none was named since", async ({ read }) => [await read(holds(ONE)), await read(UNREADABLE, "")]],
  ["the storage was gone since", async ({ read, sessions }) => [await read(holds(ONE)), sessions.drop("gw/store")]],
])("nothing is trusted instead of it where %s", async ([, before]) => {
  const it = world();
  await before(it);
  expect(await it.read(UNREADABLE)).toEqual({ problem: expect.objectContaining({ reason: "StorageUnavailable" }) });
});

test("where none is named there is none", async () => {
  expect(await world().read(UNREADABLE, "")).toEqual({});
});
