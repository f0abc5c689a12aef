// What a difference is. That the API server's own spelling is none, is shown on a real one: test/cluster/desired-diff.
import { expect, test } from "vitest";
import type { KubeObject } from "../../../operator/domain/facts/cluster.ts";
import { describeDiff, needsApply } from "../../../operator/domain/objects/diff.ts";
import { unionReplacements } from "../../../operator/domain/objects/union.ts";
import { canonicalJson, hashOf } from "../../../operator/domain/values/hash.ts";
import { quantityInBillionths } from "../../../operator/domain/values/quantity.ts";
import { allOf, wanted } from "../desired/world.ts";

const object = (spec: object, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name: "a", annotations },
  spec,
});
const resources = (amounts: object) => ({ containers: [{ name: "c", resources: { limits: amounts } }] });
const probe = (fields: object) => ({ containers: [{ name: "c", readinessProbe: fields }] });

test.for<[string, object, object, string | undefined]>([
  ["the same", { a: 1 }, { a: 1 }, undefined],
  ["another value", { a: { b: 1 } }, { a: { b: 2 } }, "spec.a.b"],
  ["what is not there", { a: { b: 1 } }, {}, "spec.a.b"],
  ["defaults that others added", { a: 1 }, { a: 1, b: 2 }, undefined],
  ["what says nothing was dropped", { a: {}, b: [], c: null, d: { e: {} } }, {}, undefined],
  ["an empty string was dropped", { a: "" }, {}, undefined],
  ["a number for an int-or-string", { port: 80 }, { port: "80" }, undefined],
  ["amounts in another spelling", resources({ cpu: "1000m" }), resources({ cpu: "1" }), undefined],
  ["a number as an amount", resources({ cpu: 0.5 }), resources({ cpu: "500m" }), undefined],
  ["another amount", resources({ cpu: "1" }), resources({ cpu: "1Ki" }), "spec.containers[c].resources.limits.cpu"],
  ["amounts only where amounts are", { name: "1000m" }, { name: "1" }, "spec.name"],
  ["an item more in a list with names", { env: [{ name: "A" }] }, { env: [{ name: "B" }, { name: "A" }] }, undefined],
  ["an item less in a list with names", { env: [{ name: "A" }] }, { env: [{ name: "B" }] }, "spec.env[A]"],
  [
    "two mounts of one volume",
    {
      volumeMounts: [
        { name: "v", mountPath: "/a" },
        { name: "v", mountPath: "/b" },
      ],
    },
    {
      volumeMounts: [
        { name: "v", mountPath: "/b" },
        { name: "v", mountPath: "/a" },
      ],
    },
    undefined,
  ],
  [
    "one port, two protocols",
    { ports: [{ port: 53, protocol: "UDP" }, { port: 53 }] },
    {
      ports: [
        { port: 53, protocol: "TCP" },
        { port: 53, protocol: "UDP" },
      ],
    },
    undefined,
  ],
  ["an item more in a list that is one value", { args: ["a"] }, { args: ["a", "b"] }, "spec.args"],
  ["another order in a list that is one value", { args: ["a", "b"] }, { args: ["b", "a"] }, "spec.args[0]"],
  ["rules where none are wanted", { ingress: [] }, { ingress: [{}] }, "spec.ingress"],
  ["a label more in a selector", { selector: { a: "1" } }, { selector: { a: "1", b: "2" } }, "spec.selector.b"],
  ["a label more elsewhere", { labels: { a: "1" } }, { labels: { a: "1", b: "2" } }, undefined],
  [
    "an empty volume made something else",
    { volumes: [{ name: "v", emptyDir: {} }] },
    {
      volumes: [{ name: "v", hostPath: { path: "/" } }],
    },
    "spec.volumes[v].emptyDir",
  ],
  ["a false that the API server keeps", { optional: false }, {}, "spec.optional"],
  ["a false that the API server drops", { hostNetwork: false }, {}, undefined],
  ["a zero that the API server keeps", { maxUnavailable: 0 }, {}, "spec.maxUnavailable"],
  ["a zero that the API server makes a default", probe({ periodSeconds: 0 }), probe({ periodSeconds: 10 }), undefined],
  ["a key with dots", { data: { "a.b/c": "1" } }, { data: {} }, 'spec.data["a.b/c"]'],
])("%s", ([, desired, live, path]) => {
  expect(describeDiff(object(desired), object(live))).toBe(path);
});

test("of the metadata only what is meant is looked at", () => {
  const live = {
    ...object({}),
    metadata: { name: "a", uid: "u", resourceVersion: "7", labels: { x: "y" }, finalizers: ["f"] },
  };
  expect(describeDiff(object({}), live)).toBeUndefined();
  const desired = { ...object({}), metadata: { name: "a", labels: { "holdfast.dev/role": "traffic" } } };
  expect(describeDiff(desired, live)).toBe('metadata.labels["holdfast.dev/role"]');
});

test("absent, or last meant otherwise: applied, so that what is no longer wanted goes away", () => {
  const now = object({ a: 1 }, { "holdfast.dev/applied-hash": "new" });
  expect(needsApply(now, undefined)).toBe(true);
  expect(needsApply(now, object({ a: 1 }, { "holdfast.dev/applied-hash": "old" }))).toBe(true);
  expect(needsApply(now, object({ a: 1, b: 2 }, { "holdfast.dev/applied-hash": "new" }))).toBe(false);
});

test("what is wanted is no difference to itself, and the loss of any part of it is one", () => {
  for (const each of allOf(wanted())) {
    expect(needsApply(each, each)).toBe(false);
    for (const path of leaves(
      each.kind === "Deployment" ? { spec: each["spec"] } : { data: each["data"], spec: each["spec"] },
    )) {
      const less = without(each, path);
      if (JSON.stringify(less) === JSON.stringify(each)) continue;
      expect(describeDiff(each, less), `${each.kind} ${path.join(".")}`).toBeDefined();
    }
  }
});

/** Paths to every text, number and boolean. */
function leaves(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return value === undefined ? [] : [[]];
  return Object.entries(value).flatMap(([key, child]) => leaves(child).map((path) => [key, ...path]));
}
function without(value: KubeObject, path: readonly string[]): KubeObject {
  const copy = structuredClone(value);
  let at: Record<string, unknown> = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = path.at(-1) ?? "";
  if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
  return copy;
}

test.for<[unknown, bigint | undefined]>([
  ["1", 1_000_000_000n],
  [1, 1_000_000_000n],
  [0.1, 100_000_000n],
  ["100m", 100_000_000n],
  ["1.5Gi", 1_610_612_736n * 1_000_000_000n],
  ["1536Mi", 1_610_612_736n * 1_000_000_000n],
  ["1e3", 1_000n * 1_000_000_000n],
  ["1E3", 1_000n * 1_000_000_000n],
  ["1E", 10n ** 18n * 1_000_000_000n],
  ["0.1n", 1n],
  ["-1", -1_000_000_000n],
  ["", undefined],
  [".", undefined],
  ["1 Gi", undefined],
  ["1e", undefined],
  [null, undefined],
  [true, undefined],
])("the amount of %j is %s billionths", ([text, amount]) => {
  expect(quantityInBillionths(text)).toBe(amount);
});

test("one content has one hash, whatever order it was built in", () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}');
  expect(hashOf({ a: 1, b: 2 })).toBe(hashOf({ b: 2, a: 1 }));
  expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: 2 }));
  expect(hashOf("text", 12)).toMatch(/^[0-9a-f]{12}$/);
});

test.for<[string, object, object, unknown[]]>([
  ["nothing, where an apply can do it", probe({ tcpSocket: { port: 1 } }), probe({ tcpSocket: { port: 2 } }), []],
  ["nothing, where the part is gone", probe({ tcpSocket: { port: 1 } }), { containers: [{ name: "c" }] }, []],
  [
    "a probe of another kind",
    probe({ tcpSocket: { port: 1 } }),
    probe({ httpGet: { port: 1 } }),
    [{ op: "replace", path: "/spec/containers/0/readinessProbe", value: { tcpSocket: { port: 1 } } }],
  ],
  [
    "the item where it stands in the live list",
    { env: [{ name: "A", value: "x" }] },
    {
      env: [{ name: "B" }, { name: "A", valueFrom: {} }],
    },
    [{ op: "replace", path: "/spec/env/1", value: { name: "A", value: "x" } }],
  ],
  [
    "a field with a slash in its name",
    { "a/b~c": { preStop: { sleep: { seconds: 1 } } } },
    {
      "a/b~c": { preStop: { exec: {} } },
    },
    [{ op: "replace", path: "/spec/a~1b~0c/preStop", value: { sleep: { seconds: 1 } } }],
  ],
])("to be replaced before an apply: %s", ([, desired, live, expected]) => {
  expect(unionReplacements(object(desired), object(live))).toEqual(expected);
});
