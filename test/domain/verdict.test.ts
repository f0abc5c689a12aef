import { expect, test } from "vitest";
import { quorum, verdictOf, type Witnesses } from "../../operator/domain/verdict.ts";

const silentWorld: Witnesses = {
  operator: "readsOk",
  connected: 0,
  disconnected: 0,
  silent: 0,
  placesAnswered: 0,
  placesRefused: 0,
  placesAgree: false,
  readFailed: false,
};

test.for<[string, Partial<Witnesses>, string, string]>([
  ["up, and gateways agree", { connected: 3 }, "Reachable", "ControlPlaneAnswers"],
  ["up, and no gateway has a vote", { silent: 3 }, "Reachable", "ControlPlaneAnswers"],
  ["up, and there is no gateway yet", {}, "Reachable", "ControlPlaneAnswers"],
  ["the front lives, its database is dead", { operator: "serverError", connected: 3 }, "Unreachable", "DatabaseDown"],
  ["reads time out for a start, too", { operator: "readTimeout", readFailed: true }, "Unreachable", "DatabaseDown"],
  ["reads time out for Holdfast alone", { operator: "readTimeout", connected: 3 }, "Unknown", "ControlPlaneSlow"],
  [
    "up, but two of three gateways are cut off and none is connected",
    { disconnected: 2, silent: 1 },
    "Unreachable",
    "GatewaysCutOff",
  ],
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
              for (const readFailed of [false, true]) {
                const places = { placesAnswered, placesRefused: placesAgree ? 2 : 1, placesAgree };
                yield { operator, connected, disconnected, silent, ...places, readFailed };
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
    // One contrary voice forbids Unreachable, unless the store itself said that it is broken.
    const asks = w.operator === "down" || w.operator === "noRoute";
    const contrary = w.connected > 0 || (asks && w.placesAnswered > 0);
    if (contrary && (asks || w.operator === "readsOk")) expect(word, where).not.toBe("Unreachable");
    if (word === "Reachable") expect(w.operator, where).toBe("readsOk");
  }
  expect(rows).toBe(7 * 4 * 4 * 4 * 2 * 2 * 2);
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
