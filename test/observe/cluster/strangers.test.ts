import { expect, test } from "vitest";
import { Strangers } from "../../../operator/observe/cluster/strangers.ts";
import { Sessions } from "../../../operator/session.ts";
import { FakeClock } from "../../kube/fake-clock.ts";

const signal = AbortSignal.timeout(20_000);
const GIVEN = { "holdfast.dev/adopt-by": "edge" };
const selector = (role: string) => ({
  matchLabels: { "holdfast.dev/role": role, "holdfast.dev/group": "edge" },
});
const live = (kind: string, name = "edge", spec: object = {}, annotations: Record<string, string> = GIVEN) => ({
  apiVersion: kind === "Deployment" ? "apps/v1" : "v1",
  kind,
  metadata: { name, annotations },
  spec,
});

test.for<[string, ReturnType<typeof live>, object]>([
  ["a Service that is given", live("Service"), { adoptable: true }],
  ["one that is not", live("Service", "edge", {}, {}), { adoptable: false }],
  ["one that is given to another", live("Service", "edge", {}, { "holdfast.dev/adopt-by": "x" }), { adoptable: false }],
  [
    "a Deployment of our own selector",
    live("Deployment", "edge", { selector: selector("traffic") }),
    { adoptable: true },
  ],
  ["the exporter's", live("Deployment", "edge-backup", { selector: selector("backup") }), { adoptable: true }],
  [
    "a Deployment for other pods can never be ours, though it is given",
    live("Deployment", "edge", { selector: { matchLabels: { app: "theirs" } } }),
    { adoptable: false, otherPods: true },
  ],
  [
    "nor one that asks for more",
    live("Deployment", "edge", { selector: { ...selector("traffic"), matchExpressions: [{ key: "a" }] } }),
    { adoptable: false, otherPods: true },
  ],
])("%s", async ([, object, expected]) => {
  const strangers = new Strangers({ get: async () => undefined } as never, new FakeClock(), new Sessions());
  expect(strangers.meet("gw/edge", "edge", object)).toBe(true);
  const { kind, metadata } = object;
  expect(await strangers.of("gw", "edge", "gw/edge", signal)).toEqual([{ kind, name: metadata.name, ...expected }]);
});
