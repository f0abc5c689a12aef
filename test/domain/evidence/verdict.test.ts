import { expect, test } from "vitest";
import { quorum, verdictOf, type Witnesses } from "../../../operator/domain/evidence/verdict.ts";

const silentWorld: Witnesses = {
  operator: "readsOk",
  connected: 0,
  late: 0,
  disconnected: 0,
  silent: 0,
  wanted: 3,
  nodesCutOff: 0,
  placesAnswered: 0,
  placesRefused: 0,
  placesAgree: false,
  readFailed: false,
};

test.for<[string, Partial<Witnesses>, string, string]>([
  ["up, and gateways agree", { connected: 3 }, "Reachable", "ControlPlaneAnswers"],
  ["up, and no gateway has a vote", { silent: 3 }, "Reachable", "ControlPlaneAnswers"],
  ["up, and there is no gateway yet", {}, "Reachable", "ControlPlaneAnswers"],
  [
    "its database is dead, as Holdfast alone says",
    { operator: "serverError", silent: 3 },
    "Unknown",
    "DatabaseDoubted",
  ],
  ["its database is dead, and nothing serves", { operator: "serverError" }, "Unreachable", "DatabaseDown"],
  [
    "its database is dead, and a place had its read fail",
    { operator: "serverError", silent: 3, placesRefused: 1, readFailed: true },
    "Unreachable",
    "DatabaseDown",
  ],
  [
    "its database is dead, and places got no answer at all",
    { operator: "serverError", silent: 3, placesRefused: 2, placesAgree: true },
    "Unreachable",
    "DatabaseDown",
  ],
  [
    "its database is dead, and gateways have lost it",
    { operator: "serverError", disconnected: 2, silent: 1 },
    "Unreachable",
    "DatabaseDown",
  ],
  [
    "its database is dead, and one place has its reads answered",
    { operator: "serverError", silent: 3, placesAnswered: 1, readFailed: true },
    "Unknown",
    "DatabaseDoubted",
  ],
  ["reads time out for a start, too", { operator: "readTimeout", readFailed: true }, "Unreachable", "DatabaseDown"],
  [
    "reads time out for one start, and not for another",
    { operator: "readTimeout", readFailed: true, placesAnswered: 1 },
    "Unknown",
    "ControlPlaneSlow",
  ],
  ["reads time out for Holdfast alone", { operator: "readTimeout", connected: 3 }, "Unknown", "ControlPlaneSlow"],
  [
    "up, but two of three gateways are cut off and none is connected",
    { disconnected: 2, silent: 1, nodesCutOff: 2 },
    "Unreachable",
    "GatewaysCutOff",
  ],
  ["up, all cut off, and all on one node", { disconnected: 3, nodesCutOff: 1 }, "Unknown", "WitnessesMissing"],
  ["up, the only gateway is cut off", { wanted: 1, disconnected: 1, nodesCutOff: 1 }, "Unknown", "WitnessesMissing"],
  [
    "up, the only gateway is cut off, and a place on another node, too",
    { wanted: 1, disconnected: 1, nodesCutOff: 2, placesRefused: 1 },
    "Unreachable",
    "GatewaysCutOff",
  ],
  [
    "up, all say that they are cut off, and a place is answered",
    { disconnected: 3, nodesCutOff: 3, placesAnswered: 1 },
    "Reachable",
    "PartlyCutOff",
  ],
  [
    "up, the one of ten that is left is cut off, the others serve from the snapshot",
    { wanted: 10, disconnected: 1, nodesCutOff: 1 },
    "Reachable",
    "PartlyCutOff",
  ],
  [
    "up, five of ten are cut off, and the others serve from the snapshot",
    { wanted: 10, disconnected: 5, nodesCutOff: 5 },
    "Reachable",
    "PartlyCutOff",
  ],
  [
    "up, five of ten are cut off, and one more cannot be asked",
    { wanted: 10, disconnected: 5, silent: 1, nodesCutOff: 5 },
    "Unknown",
    "ControlPlaneUnknown",
  ],
  ["up, six of ten are cut off", { wanted: 10, disconnected: 6, nodesCutOff: 2 }, "Unreachable", "GatewaysCutOff"],
  [
    "up, one of three disconnected, the others silent: too few to believe",
    { disconnected: 1, silent: 2 },
    "Unknown",
    "ControlPlaneUnknown",
  ],
  ["up, one gateway cut off, the others connected", { connected: 2, disconnected: 1 }, "Reachable", "PartlyCutOff"],
  ["up, most cut off, one connected", { connected: 1, disconnected: 9 }, "Reachable", "PartlyCutOff"],
  ["down, and the gateways agree", { operator: "down", disconnected: 3 }, "Unreachable", "ControlPlaneLost"],
  ["down, the only gateway agrees", { operator: "down", disconnected: 1 }, "Unreachable", "ControlPlaneLost"],
  ["down, and no normal pod serves", { operator: "down" }, "Unreachable", "NothingToLose"],
  [
    "down, but one gateway is connected",
    { operator: "down", connected: 1, disconnected: 9 },
    "Unknown",
    "OperatorCutOff",
  ],
  [
    "down, but a start found the control plane",
    { operator: "down", disconnected: 3, placesAnswered: 1 },
    "Unknown",
    "OperatorCutOff",
  ],
  [
    "down, nothing serves, but a start found the control plane",
    { operator: "down", placesAnswered: 1 },
    "Unknown",
    "OperatorCutOff",
  ],
  [
    "down, gateways cannot be asked, one place found nothing",
    { operator: "down", silent: 3, placesRefused: 1 },
    "Unknown",
    "WitnessesMissing",
  ],
  [
    "down, gateways cannot be asked, witnesses found nothing",
    { operator: "down", silent: 3, placesRefused: 2, placesAgree: true },
    "Unreachable",
    "ControlPlaneLost",
  ],
  [
    "down, gateways cannot be asked, witnesses differ",
    { operator: "down", silent: 3, placesRefused: 1, placesAnswered: 1 },
    "Unknown",
    "OperatorCutOff",
  ],
  ["down, and gateways may not have noticed yet", { operator: "down", late: 3 }, "Unknown", "ControlPlaneUnknown"],
  [
    "down, one gateway may not have noticed yet, the others agree",
    { operator: "down", late: 1, disconnected: 2 },
    "Unknown",
    "ControlPlaneUnknown",
  ],
  [
    "down, gateways may not have noticed yet, witnesses found nothing",
    { operator: "down", late: 3, placesRefused: 2, placesAgree: true },
    "Unreachable",
    "ControlPlaneLost",
  ],
  [
    "down, one gateway may not have noticed yet, and another is connected whatever witnesses found",
    { operator: "down", late: 1, connected: 1, placesRefused: 2, placesAgree: true },
    "Unknown",
    "OperatorCutOff",
  ],
  [
    "down, gateways may not have noticed yet, and one place found it",
    { operator: "down", late: 3, placesRefused: 1, placesAnswered: 1 },
    "Unknown",
    "OperatorCutOff",
  ],
  ["down, gateways cannot be asked, no witness", { operator: "down", silent: 3 }, "Unknown", "WitnessesMissing"],
  [
    "down, one of three says so, the others silent, no witness",
    { operator: "down", disconnected: 1, silent: 2 },
    "Unknown",
    "WitnessesMissing",
  ],
  [
    "the certificate is refused: not an outage",
    { operator: "misconfigured", disconnected: 3 },
    "Unknown",
    "ControlPlaneMisconfigured",
  ],
  ["no route, and the gateways agree", { operator: "noRoute", disconnected: 3 }, "Unreachable", "ControlPlaneLost"],
  [
    "no route, and one gateway has one",
    { operator: "noRoute", connected: 1, disconnected: 9 },
    "Unknown",
    "OperatorCutOff",
  ],
  [
    "no route, and a start had one",
    { operator: "noRoute", disconnected: 3, placesAnswered: 1 },
    "Unknown",
    "OperatorCutOff",
  ],
  [
    "no route, and nobody to ask",
    { operator: "noRoute", silent: 3, placesAgree: true },
    "Unknown",
    "ControlPlaneUnknown",
  ],
  ["no route, and nothing serves", { operator: "noRoute" }, "Unknown", "ControlPlaneUnknown"],
  ["not known", { operator: "unknown", disconnected: 3 }, "Unknown", "ControlPlaneUnknown"],
])("%s", ([, witnesses, word, reason]) => {
  const verdict = verdictOf({ ...silentWorld, ...witnesses });
  expect([verdict.word, verdict.reason]).toEqual([word, reason]);
});

const VIEWS = ["readsOk", "serverError", "readTimeout", "down", "noRoute", "misconfigured", "unknown"] as const;
function* everyView(): Generator<Witnesses> {
  const few = [0, 1, 2, 3];
  for (const operator of VIEWS)
    for (const connected of few)
      for (const disconnected of few)
        for (const silent of few)
          for (const placesAnswered of [0, 1])
            for (const placesAgree of [false, true])
              for (const readFailed of [false, true])
                for (const wanted of [1, 3, 10])
                  for (const nodesCutOff of [1, 2])
                    for (const late of [0, 1, 3]) {
                      const places = { placesAnswered, placesRefused: placesAgree ? 2 : 1, placesAgree };
                      const votes = { connected, late, disconnected, silent, wanted, nodesCutOff };
                      yield { operator, ...votes, ...places, readFailed };
                    }
}

test("the table is total, and what the laws forbid is nowhere in it", () => {
  let rows = 0;
  for (const w of everyView()) {
    rows += 1;
    const { word } = verdictOf(w);
    expect(["Reachable", "Unreachable", "Unknown"]).toContain(word);
    const where = JSON.stringify(w);
    if (w.operator === "unknown" || w.operator === "misconfigured") expect(word, where).toBe("Unknown");
    // One contrary voice forbids Unreachable: a place always; a gateway, which asks the front alone, where that is in doubt.
    const contrary = w.placesAnswered > 0 || (w.connected > 0 && ["down", "noRoute", "readsOk"].includes(w.operator));
    if (contrary) expect(word, where).not.toBe("Unreachable");
    // Nobody moves pods that serve on Holdfast's word alone, nor on that of one node against it.
    const others = w.disconnected + w.placesRefused;
    const serving = w.connected + w.late + w.disconnected + w.silent;
    if (word === "Unreachable" && serving > 0) expect(others, where).toBeGreaterThan(0);
    if (word === "Unreachable" && w.operator === "readsOk") expect(w.nodesCutOff, where).toBeGreaterThanOrEqual(2);
    // Who may not have noticed yet does not stand for the loss: beside it places must agree.
    if (word === "Unreachable" && w.operator === "down" && w.late > 0) expect(w.placesAgree, where).toBe(true);
    if (word === "Reachable") expect(w.operator, where).toBe("readsOk");
  }
  expect(rows).toBe(7 * 4 * 4 * 4 * 2 * 2 * 2 * 3 * 2 * 3);
});

test("taking a supporting voice away never makes an outage of what was none", () => {
  for (const w of everyView()) {
    if (verdictOf(w).word === "Unreachable" || w.disconnected === 0) continue;
    const weaker = { ...w, disconnected: w.disconnected - 1, silent: w.silent + 1 };
    expect(verdictOf(weaker).word, JSON.stringify(w)).not.toBe("Unreachable");
  }
});

test.for([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [10, 6],
])("of %i gateways %i must agree", ([serving, wanted]) => {
  expect(quorum(serving ?? 0)).toBe(wanted);
});

/** One gateway is all that serves: it may be wrong for reasons of its own, and so may Holdfast. */
test.for<[string, Partial<Witnesses>, string | undefined]>([
  ["down, and the only gateway agrees", { operator: "down", disconnected: 1 }, "asked"],
  ["server errors, and the only gateway agrees", { operator: "serverError", disconnected: 1 }, "asked"],
  ["down, and two agree", { operator: "down", disconnected: 2 }, undefined],

  ["server errors, and two agree", { operator: "serverError", disconnected: 2 }, undefined],
])("witness pods are asked beside a loss that counts: %s", ([, witnesses, places]) => {
  const verdict = verdictOf({ ...silentWorld, ...witnesses });
  expect([verdict.word, verdict.places, verdict.dwellFactor]).toEqual(["Unreachable", places, 1]);
  expect(verdictOf({ ...silentWorld, ...witnesses, placesAnswered: 1 }).word).toBe("Unknown");
});

test.for<[string, Partial<Witnesses>, string]>([
  [
    "one gateway and a place: the place decides",
    { wanted: 1, disconnected: 1, nodesCutOff: 2, placesRefused: 1 },
    "decide",
  ],
  ["gateways on two nodes: a place may contradict", { wanted: 2, disconnected: 2, nodesCutOff: 2 }, "asked"],
])("cut off beside reads that are answered, %s", ([, witnesses, places]) => {
  expect(verdictOf({ ...silentWorld, ...witnesses })).toMatchObject({
    reason: "GatewaysCutOff",
    dwellFactor: 2,
    places,
  });
});
