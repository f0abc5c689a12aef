// Long histories at random over the unkind world, where the search has no breath left. Each command knows what must be so
// after it; at the end the world is left in peace, or the control plane stays lost, and the group must come to rest.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { CURES } from "./cures.ts";
import { Decider } from "./decided.ts";
import { HAPPENINGS, type HappeningName } from "./happenings.ts";
import { isKnown } from "./known.ts";
import { aDay, type Lived, lives, rests } from "./life.ts";
import { canonical, kept, type State, servesWell } from "./state.ts";
import { rootsOf } from "./themes.ts";

const runs = Number(process.env["HOLDFAST_COMMAND_RUNS"] ?? 40);
const seed = Number(process.env["HOLDFAST_PROPERTY_SEED"] ?? 20_261_121);

type Root = keyof ReturnType<typeof rootsOf>;
interface Place {
  root: Root;
  replicas: number;
  rollout: "OnRestart" | "Rolling";
}

/** All that a person at the door would know. */
interface Known {
  held: boolean;
}

class Real {
  state: State;
  readonly decider: Decider;
  readonly history: string[];
  isOver = false;

  constructor({ root, replicas, rollout }: Place) {
    this.decider = new Decider(rollout);
    this.state = rootsOf(replicas)[root](this.decider);
    this.history = [`${root}, ${replicas} pods, ${rollout}`];
  }
  mode(): string | undefined {
    return kept<GatewayGroupStatus>(this.state.status).mode;
  }
  lived(name: string, { state, broken }: Lived): void {
    this.history.push(name);
    this.expect(broken.filter((law) => !isKnown(law))).toEqual([]);
    // What follows on a fault that is known says nothing new.
    this.isOver = broken.length > 0;
    this.state = state;
  }
  expect<T>(what: T) {
    return expect(what, this.history.join("\n"));
  }
}

class Happens implements fc.Command<Known, Real> {
  readonly #name: HappeningName;
  constructor(name: HappeningName) {
    this.#name = name;
  }
  check = (): boolean => true;
  run(known: Known, real: Real): void {
    const happened = HAPPENINGS[this.#name](real.state);
    if (!happened || real.isOver) return;
    const mode = real.mode();
    const { override } = happened.words;
    known.held = override === "Hold" || override === "Hodl";
    real.lived(this.#name, lives(canonical(happened), real.decider));
    if (real.isOver) return;
    if (known.held && this.#name !== "status lost") real.expect(real.mode()).toBe(mode);
  }
  toString = (): string => this.#name;
}

const well = ({ pods, ...state }: State): number => pods.filter((pod) => servesWell({ pods, ...state }, pod)).length;

class Passes implements fc.Command<Known, Real> {
  readonly #name: string;
  readonly #pass: (state: State, decider: Decider) => Lived;
  constructor(name: string, pass: (state: State, decider: Decider) => Lived) {
    this.#name = name;
    this.#pass = pass;
  }
  check = (): boolean => true;
  run(known: Known, real: Real): void {
    if (real.isOver) return;
    const [mode, before] = [real.mode(), well(real.state)];
    real.lived(this.#name, this.#pass(real.state, real.decider));
    if (real.isOver) return;
    if (known.held) real.expect(real.mode()).toBe(mode);
    const { controlPlane, held, nodeCut, spec } = real.state;
    const allIsThere = controlPlane === "up" && held === "full" && !nodeCut;
    if (allIsThere) real.expect(well(real.state)).toBeGreaterThanOrEqual(Math.min(spec.replicas, before));
  }
  toString = (): string => this.#name;
}

/** Met by the breadth-first search alone: one happening more makes other histories of the same seed, which find other faults. */
const NOT_AT_RANDOM = "gateways notice late";
const commands = [
  ...Object.keys(HAPPENINGS)
    .filter((name) => name !== NOT_AT_RANDOM)
    .map((name) => fc.constant(new Happens(name as HappeningName))),
  ...Array.from({ length: 8 }, () => fc.constant(new Passes("10 s pass", lives))),
  ...Array.from({ length: 4 }, () => fc.constant(new Passes("until nothing changes", rests))),
  fc.constant(new Passes("a day passes", aDay)),
];

function end(real: Real): void {
  for (const make of CURES) {
    const cure = make(real.decider);
    const { broken, stuck } = cure.of(real.state);
    const wrong = [...broken, ...(stuck === undefined ? [] : [stuck])].filter((law) => !isKnown(law));
    expect(wrong, [...real.history, cure.name].join("\n")).toEqual([]);
  }
}

/** Each failed once, at random or in the search: what it showed is mended, or stands in known.ts. */
const KEPT: readonly (readonly [
  Root,
  ...(HappeningName | "10 s pass" | "until nothing changes" | "a day passes")[],
])[] = [
  ["a group in fallback", "control plane back, another group's", "until nothing changes"],
  ["a group whose roll the outage broke off", "control plane back, emptied"],
  [
    "a group whose roll the outage broke off",
    "a normal pod dies",
    "control plane back, emptied",
    "until nothing changes",
  ],
  ["a proven group", "control plane emptied", "a normal pod dies"],
  ["a proven group", "control plane is another group's", "operator restarts", "control plane down"],
  ["a proven group restored without status", "control plane is another group's", "10 s pass"],
  ["a proven group", "override Fallback", "override Hodl"],
  ["a proven group", "control plane has 30 % less", "until nothing changes", "control plane has half"],
  ["a group in fallback", "control plane up", "10 s pass", "store down", "control plane emptied"],
  ["a fresh group", "operator alone sees server errors", "until nothing changes"],
  ["a fresh group", "until nothing changes", "export cannot be read", "a day passes", "control plane slow"],
  ["a proven group restored without status", "clock 5 min ahead", "10 s pass", "all pods die", "control plane down"],
  ["a group in fallback restored without status", "scaled down", "10 s pass"],
  ["a group whose roll the outage broke off", "store down", "status lost", "store up"],
  ["a fresh group", "quota full", "image v2", "scaled down"],
  ["a new place in an outage, with a pair in the store and no storage yet", "a day passes", "restart-at"],
  ["a new place in an outage, with a pair in the store and no storage yet", "10 s pass", "image mistyped", "image v1"],
];

test.for(KEPT.flatMap(([root, ...names]) => [1, 2, 3].map((replicas) => [root, replicas, names] as const)))(
  "a history that failed once: %s, %i pods: %s",
  { timeout: 60_000 },
  ([root, replicas, names]) => {
    for (const rollout of ["OnRestart", "Rolling"] as const) {
      const real = new Real({ root, replicas, rollout });
      const known = { held: false };
      const passes = { "10 s pass": lives, "until nothing changes": rests, "a day passes": aDay };
      for (const name of names)
        (name in HAPPENINGS
          ? new Happens(name as HappeningName)
          : new Passes(name, passes[name as keyof typeof passes])
        ).run(known, real);
      if (!real.isOver) end(real);
    }
  },
);

const places: fc.Arbitrary<Place> = fc.record({
  root: fc.constantFrom(...(Object.keys(rootsOf(2)) as Root[])),
  replicas: fc.integer({ min: 1, max: 3 }),
  rollout: fc.constantFrom("OnRestart", "Rolling"),
});

test("no history at random breaks a law, and each comes to rest", { timeout: 1_800_000 }, () => {
  fc.assert(
    fc.property(places, fc.commands(commands, { maxCommands: 25, size: "max" }), (place, histories) => {
      const real = new Real(place);
      fc.modelRun(() => ({ model: { held: false }, real }), histories);
      if (!real.isOver) end(real);
    }),
    { numRuns: runs, seed, endOnFailure: false },
  );
});
