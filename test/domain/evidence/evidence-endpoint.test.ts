/** What pods say that were made for another control plane than the spec names. */
import { expect, test } from "vitest";
import { weigh } from "../../../operator/domain/evidence/evidence.ts";
import { healthy, held, type Loose, lose } from "../deciding.ts";

const OTHER = "https://b.api7.svc:7943";
const named = ({ spec }: Loose): Loose => spec.controlPlane;
const choose = ({ children }: Loose): Loose => children.traffic.replicaSets[0].template.spec.initContainers[0];

/** Two normal gateways that have lost what they were made for; then this. How many say connected, disconnected, nothing? */
test.for<[string, (facts: Loose) => void, [number, number, number]]>([
  ["the spec names what they were made for", () => {}, [0, 2, 0]],
  ["the spec names another one", ({ group }) => (named(group).endpoint = OTHER), [0, 0, 2]],
  ["it is spelled otherwise", ({ group }) => (named(group).endpoint += "/"), [0, 2, 0]],
  ["another name of the server", ({ group }) => (named(group).serverName = "b"), [0, 0, 2]],
  [
    "the name of the server is given no more",
    (f) => choose(f).env.push({ name: "HOLDFAST_CP_SERVER_NAME", value: "b" }),
    [0, 0, 2],
  ],
  [
    "one of them was made for the other already",
    (f) => {
      named(f.group).endpoint = OTHER;
      f.pods[1].templateHash = "h2";
      const set = structuredClone(f.children.traffic.replicaSets[0]);
      f.children.traffic.replicaSets.push({ ...set, name: "edge-2", templateHash: "h2", revision: 2 });
      const env = f.children.traffic.replicaSets[1].template.spec.initContainers[0].env;
      env.find((one: Loose) => one.name === "HOLDFAST_CP_ENDPOINT").value = OTHER;
    },
    [0, 1, 1],
  ],
  [
    "nobody knows what they were made for: their word counts",
    (f) => {
      named(f.group).endpoint = OTHER;
      f.children.traffic.replicaSets = [];
    },
    [0, 2, 0],
  ],
  [
    "their template does not say it: their word counts",
    (f) => {
      named(f.group).endpoint = OTHER;
      choose(f).env = [];
    },
    [0, 2, 0],
  ],
  [
    "they have theirs: a veto, as what runs well is not moved for a control plane that nobody has met yet",
    (f) => {
      named(f.group).endpoint = OTHER;
      for (const pod of f.pods) pod.vote = "connected";
    },
    [2, 0, 0],
  ],
])("votes: %s", ([, change, expected]) => {
  const { facts } = healthy();
  lose(facts);
  change(facts);
  const { connected, disconnected, silent } = weigh(facts, held(facts, "Unknown", 30_000)).witnesses;
  expect([connected, disconnected, silent]).toEqual(expected);
});

/** A pod started 20 s ago. Is it a place that got no answer, or that got one? */
test.for<[string, boolean, string | undefined, [number, number]]>([
  ["what the spec names did not answer it", false, undefined, [1, 0]],
  ["another one did not answer it", false, OTHER, [0, 0]],
  ["another one answered it", true, OTHER, [0, 1]],
])("a start: %s", ([, controlPlaneAnswered, endpoint = "", expected]) => {
  const { facts } = healthy();
  if (endpoint !== "") named(facts.group).endpoint = endpoint;
  lose(facts);
  Object.assign(facts.pods[0].start, { controlPlaneAnswered, readFailed: true, finishedMs: facts.nowMs - 20_000 });
  const { placesRefused, placesAnswered, readFailed } = weigh(facts, held(facts, "Unknown", 30_000)).witnesses;
  expect([placesRefused, placesAnswered]).toEqual(expected);
  expect(readFailed, "nor did its read fail there").toBe(expected[0] + expected[1] > 0);
});
