/** What a person approves counts once, for one group, and what does not count says so. */
import { expect, test } from "vitest";
import { returnApproved, snapshotAccepted } from "../../../operator/domain/mode/approvals.ts";
import { done, healthy, held, inMode, type Loose, planOf } from "../deciding.ts";
import { asked, empty } from "./mode-facts.ts";

const DIGEST = `sha256:${"c3".padEnd(64, "0")}`;
const annotated = (name: string, value: string, change: (facts: Loose) => void = () => {}): Loose => {
  const { facts } = healthy();
  facts.group.status.epoch = 4;
  facts.group.annotations = { [`holdfast.dev/${name}`]: value };
  change(facts);
  return facts;
};
const conditionOf = (facts: Loose, type: string): string | undefined =>
  planOf(facts, held(facts, "Reachable", 600_000)).status.conditions?.find((one) => one.type === type)?.message;
const approvalsAfter = (facts: Loose) => planOf(facts, held(facts, "Reachable", 600_000)).status.approvals;

test.for<[string, string, (facts: Loose) => void, boolean]>([
  ["the present epoch", "4-uid-grou", () => {}, true],
  ["white space around it", " 4-uid-grou ", () => {}, true],
  ["another epoch", "3-uid-grou", () => {}, false],
  ["the epoch before, half way back: what it was for is recorded", "3-uid-grou", (f) => inMode(f, "ToNormal"), false],
  ["the epoch before, turned round", "3-uid-grou", (f) => inMode(f, "ToFallback"), false],
  ["of another group, or of this one before it was restored", "4-0a1b2c3d", () => {}, false],
  ["of this group before it was made anew", "4-uid-grou", (f) => (f.group.uid = "0a1b2c3d-4e5f"), false],
  ["of the group that was made anew", "4-0a1b2c3d", (f) => (f.group.uid = "0a1b2c3d-4e5f"), true],
  ["no group", "4", () => {}, false],
  ["used up in this epoch", "4-uid-grou", (f) => (f.group.status.approvals = { approveReturn: "4-uid-grou" }), false],
  ["the next of this epoch", "4.2-uid-grou", (f) => (f.group.status.approvals = { approveReturn: "4-uid-grou" }), true],
  ["the third", "4.3-uid-grou", (f) => (f.group.status.approvals = { approveReturn: "4.2-uid-grou" }), true],
  [
    "one that was used in another epoch",
    "4-uid-grou",
    (f) => (f.group.status.approvals = { approveReturn: "2-uid-grou" }),
    true,
  ],
])("approve-return: %s", ([, value, change, counts]) => {
  expect(returnApproved(annotated("approve-return", value, change))).toBe(counts);
});

test.for<[string, string, string | undefined, boolean]>([
  ["the first", "c30000000000-1-uid-grou", undefined, true],
  ["another export", "d40000000000-1-uid-grou", undefined, false],
  ["of another group", "c30000000000-1-0a1b2c3d", undefined, false],
  ["its digest alone", DIGEST, undefined, false],
  ["used", "c30000000000-1-uid-grou", "c30000000000-1-uid-grou", false],
  ["the number of one that was used for another export", "c30000000000-1-uid-grou", "d40000000000-1-uid-grou", false],
  ["the next", "c30000000000-2-uid-grou", "c30000000000-1-uid-grou", true],
  ["the tenth", "c30000000000-10-uid-grou", "d40000000000-9-uid-grou", true],
])("accept-snapshot: %s", ([, value, used, counts]) => {
  const facts = annotated("accept-snapshot", value, (f) => (f.group.status.approvals = { acceptSnapshot: used }));
  expect(snapshotAccepted(facts, DIGEST)).toBe(counts);
});

const dropped = (facts: Loose): void => {
  facts.children.traffic.replicas = 6;
  facts.group.spec.traffic.replicas = 2;
  facts.group.replicasSetBy = "other";
};
test.for<[string, string, (facts: Loose) => void, boolean]>([
  ["the first", "2-1-uid-grou", () => {}, true],
  ["to another number", "1-1-uid-grou", () => {}, false],
  ["the number alone", "2", () => {}, false],
  ["of another group", "2-1-0a1b2c3d", () => {}, false],
  ["used", "2-1-uid-grou", (f) => (f.group.status.approvals = { acceptReplicas: "2-1-uid-grou" }), false],
  ["the next", "2-2-uid-grou", (f) => (f.group.status.approvals = { acceptReplicas: "2-1-uid-grou" }), true],
])("accept-replicas: %s", ([, value, change, counts]) => {
  const facts = annotated("accept-replicas", value, (f) => {
    dropped(f);
    change(f);
  });
  expect(done(planOf(facts, held(facts, "Reachable", 5_000))).includes("scale 6 -> 2")).toBe(counts);
});

test.for<[string, Loose, object | undefined]>([
  ["nothing", annotated("approve-return", "4-uid-grou"), undefined],
  ["the drop is carried out", annotated("accept-replicas", "2-1-uid-grou"), { acceptReplicas: "2-1-uid-grou" }],
  ["the drop is still to come", annotated("accept-replicas", "2-1-uid-grou", dropped), undefined],
  ["the return is not begun", annotated("approve-return", "4-uid-grou", (f) => inMode(f, "Fallback")), undefined],
  [
    "what was lost is there again",
    annotated("approve-return", "4-uid-grou", regressedBefore),
    { approveReturn: "4-uid-grou" },
  ],
  [
    "what was lost is still lost: it is taken for good, and what is lost after that is another loss",
    annotated("approve-return", "4-uid-grou", (f) => {
      regressedBefore(f);
      asked(f, "Regressed");
      empty(f);
    }),
    { approveReturn: "4-uid-grou" },
  ],
  [
    "what was lost is not counted, and neither is an export read: there is nothing to take for good",
    annotated("approve-return", "4-uid-grou", (f) => {
      regressedBefore(f);
      asked(f, "Regressed");
      delete f.controlPlane.counts;
      f.snapshot.raw = { seen: "absent" };
    }),
    undefined,
  ],
  [
    "it was given before anything was asked: the question asks for another value",
    annotated("approve-return", "4-uid-grou", empty),
    { approveReturn: "4-uid-grou" },
  ],
  [
    "it was not counted, a person took it so, and it is found empty: that is another question",
    annotated("approve-return", "4-uid-grou", (f) => {
      inMode(f, "Fallback");
      asked(f, "Uncounted", {});
      empty(f);
    }),
    { approveReturn: "4-uid-grou" },
  ],
  [
    "it is not counted, and a person takes it so, in normal mode",
    annotated("approve-return", "4-uid-grou", (f) => {
      asked(f, "Uncounted");
      delete f.controlPlane.counts;
    }),
    { approveReturn: "4-uid-grou" },
  ],
])("used: %s", ([, facts, used]) => {
  expect(approvalsAfter(facts)).toEqual(used);
});

function regressedBefore(facts: Loose): void {
  facts.group.status.conditions.push({
    type: "ControlPlaneRegressed",
    status: "True",
    reason: "Regressed",
    message: "",
  });
}

test.for<[string, Loose, RegExp]>([
  [
    "approve-return, where a return waits",
    annotated("approve-return", "4", (f) => inMode(f, "Fallback")),
    /\[holdfast.dev\/approve-return\]: "4" approves nothing: write holdfast.dev\/approve-return=4-uid-grou, or remove it/,
  ],
  [
    "approve-return, where none waits",
    annotated("approve-return", "3"),
    /"3" approves nothing: remove it, and copy the annotation from the message that asks for it/,
  ],
  [
    "accept-snapshot, where an export is put aside",
    annotated("accept-snapshot", "c30000000000", (f) => (f.group.status.snapshot.quarantined = DIGEST)),
    /"c30000000000" approves nothing: write holdfast.dev\/accept-snapshot=c30000000000-1-uid-grou, or remove it/,
  ],
  ["accept-replicas", annotated("accept-replicas", "2"), /accept-replicas\]: "2" approves nothing/],
  ["a text that is too long is cut", annotated("accept-replicas", "2".repeat(300)), /"2{80}\.\.\." approves nothing/],
])("a value of another format is refused: %s", ([, facts, message]) => {
  expect(planOf(facts, held(facts, "Reachable", 5_000)).status.conditions).toContainEqual(
    expect.objectContaining({ type: "Stalled", status: "True", reason: "ApprovalInvalid" }),
  );
  expect(conditionOf(facts, "Stalled")).toMatch(message);
});

test("a forgotten one is no fault, and where an approval is waited for the message names the one to write", () => {
  const facts = annotated("accept-replicas", "2-1-0a1b2c3d");
  expect(conditionOf(facts, "Stalled")).toBe("Nothing in the input is wrong");
  dropped(facts);
  expect(conditionOf(facts, "Stalled")).toMatch(
    /annotate holdfast.dev\/accept-replicas=2-1-uid-grou \(its present value "2-1-0a1b2c3d" approves nothing\)$/,
  );
});
