import { expect, test } from "vitest";
import { Overrides } from "../../../operator/observe/cluster/overrides.ts";
import { Sessions } from "../../../operator/session.ts";
import { FakeClock } from "../../kube/fake-clock.ts";

const meant = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "edge", annotations: { "holdfast.dev/applied-hash": "h1" } },
};

test("what the cluster changed in a write is known until a write goes through whole", async () => {
  const clock = new FakeClock();
  const sessions = new Sessions();
  const overrides = new Overrides(clock, sessions);
  overrides.met("gw/edge", meant, "uid-1", ["spec.a"]);
  const known = { kind: "Deployment", name: "edge", uid: "uid-1", appliedHash: "h1", paths: ["spec.a"], again: false };
  expect(overrides.of("gw/edge")).toEqual([known]);
  expect(overrides.of("gw/other")).toEqual([]);
  await clock.advance(3_600_000);
  expect(overrides.of("gw/edge"), "whoever did it may be gone").toEqual([{ ...known, again: true }]);
  overrides.met("gw/edge", meant, "uid-1", ["spec.a"]);
  expect(overrides.of("gw/edge")).toEqual([known]);
  overrides.met("gw/edge", meant, "uid-1", []);
  expect(overrides.of("gw/edge")).toEqual([]);
  overrides.met("gw/edge", meant, "uid-1", ["spec.a"]);
  sessions.drop("gw/edge");
  expect(overrides.of("gw/edge")).toEqual([]);
});
