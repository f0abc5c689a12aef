import { expect, test } from "vitest";
import { decide } from "../../../operator/domain/decide.ts";
import { weigh } from "../../../operator/domain/evidence/evidence.ts";
import { healthy, held, type Loose, lose } from "../deciding.ts";

/** Lost for a minute, last looked at some time ago; probes every 5 s. How long does the loss count? */
test.for<[string, number, "Unreachable" | "Unknown", number]>([
  ["looked at just now", 0, "Unreachable", 60_000],
  ["three probes and some slack ago", 25_000, "Unreachable", 60_000],
  ["a gap: the count starts anew", 25_001, "Unreachable", 0],
  ["it was another verdict", 0, "Unknown", 0],
])("%s", ([, gapMs, before, heldMs]) => {
  const { facts } = healthy();
  lose(facts);
  const memory = held(facts, before, 60_000);
  memory.verdict = { word: before, sinceMs: facts.monoMs - 60_000, seenMs: facts.monoMs - gapMs };
  expect(weigh(facts, memory).heldMs).toBe(heldMs);
});

/**
 * Lost for an hour, the control plane went again after it was back, and a move of pods failed; then the spec says, or the
 * cluster holds, something else under this name. How long does the loss count, and what is still remembered?
 */
const REMEMBERED = ["moveFailedMs", "moveFailedWhy", "relapses", "subject", "unansweredSinceMs", "verdict"];
const OF_THE_GROUP = REMEMBERED.filter((key) => key !== "relapses");
test.for<[string, (group: Loose) => void, number, readonly string[]]>([
  ["nothing changed", () => {}, 3_600_000, REMEMBERED],
  [
    "its endpoint is spelled in another way",
    ({ spec }) => (spec.controlPlane.endpoint = spec.controlPlane.endpoint.toUpperCase().replace("HTTPS", "https")),
    3_600_000,
    REMEMBERED,
  ],
  ["another certificate", ({ spec }) => (spec.controlPlane.clientCertificateRef.name = "new"), 3_600_000, REMEMBERED],
  ["another endpoint", ({ spec }) => (spec.controlPlane.endpoint = "https://b:7943"), 0, OF_THE_GROUP],
  ["another name of the server", ({ spec }) => (spec.controlPlane.serverName = "b"), 0, OF_THE_GROUP],
  ["another group of this name", (group) => (group.uid = "born-again"), 0, ["subject", "unansweredSinceMs", "verdict"]],
])("evidence is of one group and one control plane: %s", ([, change, heldMs, keys]) => {
  const { facts } = healthy();
  facts.group.status.mode = "ToFallback";
  lose(facts);
  const failed = { moveFailedMs: facts.monoMs, moveFailedWhy: "SurgeImpossible" as const };
  const memory = { ...held(facts, "Unreachable", 3_600_000), ...failed, relapses: { count: 2, back: false } };
  change(facts.group);
  facts.children.traffic.replicaSets = []; // for whom pods were made: evidence-endpoint.test.ts
  const seen = weigh(facts, memory);
  const fresh = heldMs === 0;
  expect([seen.verdict.word, seen.heldMs, seen.relapses]).toEqual(["Unreachable", heldMs, fresh ? 0 : 2]);
  const remembered = { ...seen.memory };
  if (fresh) delete remembered.relapses; // what is counted from now on
  expect(Object.keys(remembered).toSorted()).toEqual(keys);
  expect(seen.memory.unansweredSinceMs).toBe(facts.nowMs - heldMs);
  expect(weigh(facts, seen.memory).memory, "and so it stays").toEqual(seen.memory);
});

test("what a place said of the control plane before is no word about another", () => {
  const { facts } = healthy();
  lose(facts);
  const start = { controlPlaneAnswered: false, readFailed: false, finishedMs: facts.nowMs - 20_000 };
  Object.assign((facts.pods as Loose)[0].start, start);
  const memory = held(facts, "Unreachable", 30_000);
  expect(weigh(facts, memory).witnesses.placesRefused).toBe(1);
  facts.group.spec.controlPlane.endpoint = "https://b:7943";
  expect(weigh(facts, memory).witnesses.placesRefused).toBe(0);
});

/** Holdfast stopped seeing the control plane 30 s ago. Whose word of a start counts? */
test.for<[string, number, number]>([
  ["a start since then", 29_999, 1],
  ["a start from before the loss", 30_000, 0],
])("%s", ([, agoMs, answered]) => {
  const { facts } = healthy();
  lose(facts);
  const start = { controlPlaneAnswered: true, readFailed: false, finishedMs: facts.nowMs - agoMs };
  Object.assign((facts.pods as Loose)[0].start, start);
  expect(weigh(facts, held(facts, "Unreachable", 30_000)).witnesses.placesAnswered).toBe(answered);
});

/** A node's clock that was set between two of its stamps: a start of a pod that was made so long ago is said to have ended so. */
test.for<[string, number, number, number]>([
  ["just now", 20_000, -15_000, 1],
  ["a little ahead: rounding", 20_000, 10_000, 1],
  ["in half an hour; made just now", 20_000, 1_800_000, 1],
  ["in half an hour; made long ago", 600_000, 1_800_000, 0],
  ["half an hour before it was made", 20_000, -1_820_000, 1],
])("a stamp that cannot be true is taken for the pod's beginning: %s", ([, madeMs, endsMs, answered]) => {
  const { facts } = healthy() as Loose;
  lose(facts);
  facts.pods[0].createdMs = facts.nowMs - madeMs;
  Object.assign(facts.pods[0].start, { controlPlaneAnswered: true, finishedMs: facts.nowMs + endsMs });
  expect(weigh(facts, held(facts, "Unreachable", 60_000)).witnesses.placesAnswered).toBe(answered);
});

/** Seen as lost for a minute, on the word of two places alone; the newest word is so old. How long does the loss count? */
test.for<[string, (facts: Loose) => void, number, number]>([
  ["just now", () => {}, 0, 60_000],
  ["20 s ago", () => {}, 20_000, 40_000],
  ["from before this verdict", () => {}, 60_000, 0],
  [
    "20 s ago, and enough gateways say so now",
    (f) => f.pods.map((p: Loose) => (p.vote = "disconnected")),
    20_000,
    60_000,
  ],
  ["20 s ago, behind a front that answers", (f) => (f.controlPlane.operator.view = "readTimeout"), 20_000, 40_000],
  ["20 s ago, and Holdfast gets a server error", (f) => (f.controlPlane.operator.view = "serverError"), 20_000, 40_000],
])("a place speaks for its own time: %s", ([, change, agoMs, heldMs]) => {
  const { facts } = healthy() as Loose;
  lose(facts);
  for (const pod of facts.pods) pod.vote = "unknown";
  change(facts);
  const result = { state: "answered", answered: false, readFailed: true, finishedMs: facts.nowMs - agoMs };
  facts.helpers = ["a", "b"].map((node) => ({ role: "witness", node, createdMs: facts.nowMs - agoMs, result }));
  const memory = held(facts, "Unreachable", 60_000);
  const seen = weigh(facts, { ...memory, unansweredSinceMs: facts.nowMs - 90_000 });
  expect([seen.verdict.word, seen.heldMs]).toEqual(["Unreachable", heldMs]);
});

/** Behind a front that answers, its being there says nothing. What do gateways that are connected count as? */
test.for<[string, number, number]>([
  ["readsOk", 2, 0],
  ["down", 2, 0],
  ["serverError", 0, 2],
  ["readTimeout", 0, 2],
])("connected gateways, and Holdfast sees %s", ([view, connected, silent]) => {
  const { facts } = healthy() as Loose;
  facts.controlPlane = { operator: { view, detail: "" } };
  for (const pod of facts.pods) pod.vote = "connected";
  const seen = weigh(facts, held(facts, "Unknown", 60_000)).witnesses;
  expect([seen.connected, seen.silent]).toEqual([connected, silent]);
});

/** A gateway notices a loss late. Holdfast has seen it for so long: what are gateways that say connected? */
test.for<[view: string, lostMs: number, late: number, connected: number]>([
  ["down", 0, 2, 0],
  ["down", 29_999, 2, 0],
  ["down", 30_000, 0, 2],
  ["noRoute", 0, 0, 2],
  ["readsOk", 0, 0, 2],
])("connected gateways, and Holdfast sees %s for %i ms", ([view, lostMs, late, connected]) => {
  const { facts } = healthy() as Loose;
  facts.controlPlane = { operator: { view, detail: "" } };
  for (const pod of facts.pods) pod.vote = "connected";
  const before = held(facts, "Unknown", 60_000);
  const seen = weigh(facts, { ...before, unansweredSinceMs: facts.nowMs - lostMs }).witnesses;
  expect([seen.late, seen.connected, seen.silent]).toEqual([late, connected, 0]);
});

test("the first look at a loss is its begin: what gateways say in that moment is late, too", () => {
  const { facts } = healthy() as Loose;
  lose(facts);
  for (const pod of facts.pods) pod.vote = "connected";
  const { unansweredSinceMs: _, ...before } = held(facts, "Reachable", 60_000);
  expect(weigh(facts, before).witnesses).toMatchObject({ late: 2, connected: 0 });
});

test("a loss that a gateway may still contradict does not count, and counts from the last look at which it could", () => {
  const { facts } = healthy() as Loose;
  lose(facts);
  const result = { state: "answered", answered: false, readFailed: false, finishedMs: facts.nowMs };
  facts.helpers = ["a", "b"].map((node) => ({ role: "witness", node, createdMs: facts.nowMs, result }));
  const [first, second] = facts.pods as Loose[];
  Object.assign(first, { vote: "connected" });
  Object.assign(second, { vote: "unknown" });
  const memory = { ...held(facts, "Unreachable", 20_000), unansweredSinceMs: facts.nowMs - 20_000 };
  const doubted = weigh(facts, memory);
  expect([doubted.verdict.word, doubted.heldMs]).toEqual(["Unreachable", 0]);
  Object.assign(first, { vote: "disconnected" });
  const sure = weigh(facts, doubted.memory);
  expect([sure.verdict.word, sure.heldMs]).toEqual(["Unreachable", 0]);
  facts.monoMs += 5_000;
  facts.nowMs += 5_000;
  result.finishedMs = facts.nowMs;
  expect(weigh(facts, sure.memory).heldMs).toBe(5_000);
});

test.for([
  ["connected", undefined],
  ["disconnected", expect.any(String)],
] as const)("what only Reachable ends is recorded once no gateway may contradict: it says %s", ([vote, lostAt]) => {
  const { facts } = healthy() as Loose;
  lose(facts);
  const result = { state: "answered", answered: false, readFailed: false, finishedMs: facts.nowMs };
  facts.helpers = ["a", "b"].map((node) => ({ role: "witness", node, createdMs: facts.nowMs, result }));
  for (const pod of facts.pods) Object.assign(pod, { vote });
  const { controlPlane } = decide(facts, {
    ...held(facts, "Unreachable", 5_000),
    unansweredSinceMs: facts.nowMs - 20_000,
  }).plan.status;
  expect([controlPlane?.verdict, controlPlane?.lostAt]).toEqual(["Unreachable", lostAt]);
});

/** Reads are answered, and gateways say that they are cut off. Whose word counts? */
test.for<[string, boolean, number, number]>([
  ["a start since they do", true, 29_999, 1],
  ["a start before they did", true, 30_000, 0],
  ["a start, where nobody says so", false, 1_000, 0],
])("%s", ([, disputed, agoMs, answered]) => {
  const { facts } = healthy() as Loose;
  for (const pod of facts.pods) pod.vote = disputed ? "disconnected" : "connected";
  Object.assign(facts.pods[0].start, { controlPlaneAnswered: true, finishedMs: facts.nowMs - agoMs });
  const memory = { ...held(facts, "Reachable", 60_000), disputedSinceMs: facts.nowMs - 30_000 };
  expect(weigh(facts, memory).witnesses.placesAnswered).toBe(answered);
});

/** Two normal pods, on nodes a and b or both on a. Where got a start or a witness pod no answer, and is that enough? */
test.for<[string, string, readonly string[], readonly string[], number, boolean]>([
  ["one start", "ab", ["a"], [], 1, false],
  ["two starts on one node", "ab", ["a", "a"], [], 1, false],
  ["starts on two nodes", "ab", ["a", "b"], [], 2, true],
  ["a start and a witness on another node", "ab", ["a"], ["b"], 2, true],
  ["a start and a witness on one node", "ab", ["a"], ["a"], 1, false],
  ["two witnesses that met on one node", "ab", [], ["a", "a"], 1, false],
  ["the only node where gateways run", "aa", [], ["a"], 1, true],
  ["a node where none of them runs", "aa", [], ["c"], 1, false],
  ["nobody spoke", "aa", [], [], 0, false],
])("places without an answer: %s", ([, nodes, starts, witnesses, places, agree]) => {
  const { facts } = healthy() as Loose;
  lose(facts);
  const finishedMs = facts.nowMs - 5_000;
  const pods = [...nodes].map((node, index) => ({ ...facts.pods[index], node, vote: "unknown" }));
  const started = starts.map((node, index) => {
    const start = { ...pods[0].start, controlPlaneAnswered: false, readFailed: false, finishedMs };
    return { ...pods[0], name: `starting-${index}`, node, ready: false, start };
  });
  facts.pods = [...pods, ...started];
  const result = { state: "answered", answered: false, readFailed: false, finishedMs };
  facts.helpers = witnesses.map((node) => ({ role: "witness", node, result }));
  const { placesRefused, placesAgree } = weigh(facts, held(facts, "Unknown", 30_000)).witnesses;
  expect([placesRefused, placesAgree]).toEqual([places, agree]);
});

test("a gateway that serves badly still has a vote: a failing route of its own is no word about the control plane", () => {
  const { facts } = healthy() as Loose;
  lose(facts);
  for (const pod of facts.pods) Object.assign(pod, { check: "fail", vote: "connected" });
  expect(weigh(facts, held(facts, "Unreachable", 600_000)).verdict).toMatchObject({
    word: "Unknown",
    reason: "OperatorCutOff",
  });
});

/** What a place said 20 s ago, while Holdfast itself saw another kind of trouble, and then what it sees now. */
test.for<[string, readonly string[], number]>([
  ["down all the time", ["down", "down"], 1],
  ["too slow, then down: the place's word stays", ["readTimeout", "unknown", "down"], 1],
  ["answered in between: forgotten", ["down", "readsOk", "down"], 0],
])("a place's word: %s", ([, views, places]) => {
  const { facts } = healthy() as Loose;
  Object.assign(facts.pods[0].start, { controlPlaneAnswered: false, finishedMs: facts.nowMs + 1_000 });
  let memory = {};
  let seen: ReturnType<typeof weigh> | undefined;
  for (const view of views) {
    facts.controlPlane = { operator: { view, detail: "x" } };
    seen = weigh(facts, memory);
    memory = seen.memory;
    facts.nowMs += 10_000;
    facts.monoMs += 10_000;
  }
  expect(seen?.witnesses.placesRefused).toBe(places);
});

/** In fallback: how often a control plane that was back was lost again. */
test.for<[string, string, readonly string[], number]>([
  ["it was never back", "Fallback", ["down", "down"], 0],
  ["it is back", "Fallback", ["down", "readsOk"], 0],
  ["it went again", "Fallback", ["down", "readsOk", "down"], 1],
  ["not known is not gone", "Fallback", ["readsOk", "unknown", "readsOk", "unknown"], 0],
  ["not known in between hides nothing", "ToFallback", ["readsOk", "unknown", "down", "unknown", "down"], 1],
  ["twice", "ToNormal", ["readsOk", "down", "readsOk", "down", "down"], 2],
  ["in normal mode nothing is counted", "Normal", ["readsOk", "down", "readsOk", "down"], 0],
])("relapses: %s", ([, mode, views, relapses]) => {
  const { facts } = healthy() as Loose;
  facts.group.status.mode = mode;
  let memory = {};
  let seen: ReturnType<typeof weigh> | undefined;
  for (const view of views) {
    facts.controlPlane = { operator: { view, detail: "x" } };
    for (const pod of facts.pods) pod.vote = view === "down" ? "disconnected" : "unknown";
    // Long enough to count: a single probe without an answer does not.
    for (let probe = 0; probe < 4; probe += 1) {
      facts.monoMs += facts.group.spec.controlPlane.probeIntervalSeconds * 1000;
      seen = weigh(facts, memory);
      memory = seen.memory;
    }
  }
  expect(seen?.relapses).toBe(relapses);
  facts.group.status.mode = "Normal";
  expect(weigh(facts, memory).memory.relapses, "forgotten once it is back in normal mode").toBeUndefined();
});

test("one probe without an answer is no relapse", () => {
  const { facts } = healthy() as Loose;
  facts.group.status.mode = "Fallback";
  lose(facts);
  const back = { count: 0, back: true };
  const { subject } = weigh(facts, {}).memory;
  expect(weigh(facts, { subject, relapses: back } as Loose).memory.relapses).toEqual(back);
});
