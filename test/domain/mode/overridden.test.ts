// A webhook or policy that changes what Holdfast writes, as it comes in: it would again, with every write.
import { expect, test } from "vitest";
import { differences, needsApply } from "../../../operator/domain/objects/diff.ts";
import { done, healthy, held, type Loose, lose, planOf, told } from "../deciding.ts";

const HASH = "holdfast.dev/applied-hash";
const PATH = "spec.template.spec.containers[gateway].image";

/** The gateway's image is rewritten on the Deployment, and that was seen in the answer to our own write. */
function rewritten(): Loose {
  const { facts } = healthy();
  const live = facts.children.byName.get("Deployment/edge");
  live.metadata.uid = "uid-deployment";
  live.spec.template.spec.containers.find((one: Loose) => one.name === "gateway").image = "mirror.local/gateway:3.9.13";
  facts.children.overridden = [
    {
      kind: "Deployment",
      name: "edge",
      uid: "uid-deployment",
      appliedHash: live.metadata.annotations[HASH],
      paths: [PATH],
      again: false,
    },
  ];
  return facts;
}
const live = (facts: Loose): Loose => facts.children.byName.get("Deployment/edge");

test.for<[string, (facts: Loose) => void, boolean, string | undefined]>([
  ["it stands: not written again, and told", () => {}, false, "FieldOverridden"],
  ["not known: written", (f) => delete f.children.overridden, true, undefined],
  ["another object of that name", (f) => Object.assign(live(f).metadata, { uid: "new" }), true, undefined],
  ["meant otherwise since", (f) => Object.assign(f.children.overridden[0], { appliedHash: "old" }), true, undefined],
  [
    "another field differs, too: an edit by hand",
    (f) => Object.assign(live(f).spec, { minReadySeconds: 0 }),
    true,
    undefined,
  ],
  [
    "an hour later: tried again",
    (f) => Object.assign(f.children.overridden[0], { again: true }),
    true,
    "FieldOverridden",
  ],
])("%s", ([, change, applied, said]) => {
  const facts = rewritten();
  facts.group.spec.traffic.replicas = 4;
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect(plan.broken).toEqual([]);
  expect([done(plan).includes("apply Deployment/edge"), told(plan, "Overridden")]).toEqual([applied, said]);
  expect(done(plan).includes("scale 2 -> 4"), "what is left alone does not keep pods from being scaled").toBe(!applied);
});

test("the condition names object and field", () => {
  const facts = rewritten();
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect(plan.status.conditions?.find(({ type }) => type === "Overridden")?.message).toContain(
    `Deployment "edge": ${PATH}`,
  );
});

test("what is due to be tried again is no change that waits for the control plane", () => {
  const facts = rewritten();
  facts.children.overridden[0].again = true;
  lose(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 1_000));
  expect([done(plan).includes("apply Deployment/edge"), told(plan, "RestartPending")]).toEqual([false, undefined]);
});

test("all differences are found, lists and maps that are one value included", () => {
  const object = (spec: object): Loose => ({ apiVersion: "v1", kind: "Thing", metadata: { name: "a" }, spec });
  const meant = object({
    a: 1,
    selector: { x: "1" },
    args: ["a", "b"],
    containers: [{ name: "c" }, { name: "d", i: 1 }],
  });
  const there = object({ a: 2, selector: { x: "1", y: "2" }, args: ["a"], containers: [{ name: "d", i: 2 }] });
  const all = ["spec.a", "spec.selector.y", "spec.args", "spec.containers[c]", "spec.containers[d].i"];
  expect(differences(meant, there)).toEqual(all);
  const known = { kind: "Thing", name: "a", uid: "u", appliedHash: undefined, again: false };
  there.metadata.uid = "u";
  meant.metadata.uid = "u";
  expect(needsApply(meant, there, { overridden: [{ ...known, paths: all }] })).toBe(false);
  expect(needsApply(meant, there, { overridden: [{ ...known, paths: all.slice(1) }] })).toBe(true);
  expect(needsApply(meant, meant, { overridden: [{ ...known, paths: all }] }), "nothing differs any more").toBe(false);
});
