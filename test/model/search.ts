// Breadth first over all histories of a theme: each state that is reached is judged, and the shortest way to it is known.
import type { decide } from "../../operator/domain/decide.ts";
import { CURES, type Cure } from "./cures.ts";
import { Decider } from "./decided.ts";
import { HAPPENINGS, type HappeningName } from "./happenings.ts";
import { aDay, type Lived, lives, rests } from "./life.ts";
import type { Rollout } from "./sight.ts";
import { canonical, type State, stateKey } from "./state.ts";

export interface Theme {
  name: string;
  roots: Readonly<Record<string, (decider: Decider) => State>>;
  rollout: Rollout;
  happenings: readonly HappeningName[];
  /** A day may pass. */
  days?: boolean;
}

export interface Found {
  law: string;
  /** Shortest history, from its root. */
  history: readonly string[];
  times: number;
}

export interface Result {
  theme: string;
  states: number;
  expanded: number;
  transitions: number;
  decisions: number;
  violations: number;
  stuck: number;
  /** How many states were taken to a healthy world, and to a lasting outage. */
  cured: number;
  depth: number;
  seconds: number;
  found: Found[];
}

export interface Limits {
  states: number;
  /** From each so-maniest state on it is asked whether the group comes to rest. */
  cureEach: number;
  /** In place of the real decision, to see that what it does wrong is found. */
  decide?: typeof decide;
  progress?: (result: Result) => void;
}

type Move = (state: State, decider: Decider) => Lived | undefined;

function movesOf(theme: Theme): (readonly [string, Move])[] {
  const happen = theme.happenings.map((name): readonly [string, Move] => {
    const happening = HAPPENINGS[name];
    return [
      name,
      (state, decider) => {
        const after = happening(state);
        return after && lives(canonical(after), decider);
      },
    ];
  });
  const day: (readonly [string, Move])[] = theme.days ? [["a day passes", aDay]] : [];
  return [["10 s pass", lives], ["until nothing changes", rests], ...happen, ...day];
}

export class Search {
  readonly #theme: Theme;
  readonly #limits: Limits;
  readonly #decider: Decider;
  readonly #numbers = new Map<string, number>();
  readonly #states: (State | undefined)[] = [];
  readonly #parents: number[] = [];
  readonly #ways: string[] = [];
  readonly #depths: number[] = [];
  readonly #found = new Map<string, Found>();
  readonly #cures: Cure[];
  readonly #startedMs = performance.now();
  readonly #result: Result;

  constructor(theme: Theme, limits: Limits) {
    this.#theme = theme;
    this.#limits = limits;
    this.#decider = new Decider(theme.rollout, limits.decide);
    this.#cures = CURES.map((make) => make(this.#decider));
    const zero = { states: 0, expanded: 0, transitions: 0, decisions: 0, violations: 0, stuck: 0, cured: 0, depth: 0 };
    this.#result = { theme: theme.name, ...zero, seconds: 0, found: [] };
  }

  run(): Result {
    for (const [name, make] of Object.entries(this.#theme.roots)) this.#reach(make(this.#decider), -1, name);
    const moves = movesOf(this.#theme);
    for (let next = 0; next < this.#states.length && this.#states.length < this.#limits.states; next += 1)
      this.#expand(next, moves);
    return this.#now();
  }

  #expand(number: number, moves: readonly (readonly [string, Move])[]): void {
    const state = this.#states[number];
    if (!state) return;
    for (const [name, move] of moves) {
      const lived = move(state, this.#decider);
      if (!lived) continue;
      this.#result.transitions += lived.transitions;
      if (lived.broken.length > 0) this.#tell(lived.broken, number, name);
      // What follows on a broken law says nothing new.
      else this.#reach(lived.state, number, name);
    }
    this.#states[number] = undefined; // its key is kept, and its way
    this.#result.expanded += 1;
    if (this.#result.expanded % 200 === 0) this.#limits.progress?.(this.#now());
  }

  #reach(state: State, parent: number, way: string): void {
    const key = stateKey(state);
    if (this.#numbers.has(key)) return;
    const number = this.#states.length;
    this.#numbers.set(key, number);
    this.#states.push(state);
    this.#parents.push(parent);
    this.#ways.push(way);
    const depth = parent < 0 ? 0 : (this.#depths[parent] ?? 0) + 1;
    this.#depths.push(depth);
    this.#result.depth = Math.max(this.#result.depth, depth);
    if (number % this.#limits.cureEach === 0) this.#cure(state, number);
  }

  #cure(state: State, number: number): void {
    for (const cure of this.#cures) {
      const { broken, stuck, transitions } = cure.of(state);
      this.#result.cured += 1;
      this.#result.transitions += transitions;
      if (broken.length > 0) this.#tell(broken, number, cure.name);
      if (stuck === undefined) continue;
      this.#result.stuck += 1;
      this.#keep(stuck, number, cure.name);
    }
  }

  #tell(laws: readonly string[], number: number, way: string): void {
    this.#result.violations += 1;
    for (const law of new Set(laws)) this.#keep(law, number, way);
  }

  #keep(law: string, number: number, way: string): void {
    const known = this.#found.get(law);
    if (known) {
      known.times += 1;
      return;
    }
    this.#found.set(law, { law, history: [...this.#history(number), way], times: 1 });
  }

  #history(number: number): string[] {
    const way = this.#ways[number];
    const parent = this.#parents[number];
    if (way === undefined || parent === undefined) return [];
    return [...(parent < 0 ? [] : this.#history(parent)), way];
  }

  #now(): Result {
    return {
      ...this.#result,
      states: this.#states.length,
      decisions: this.#decider.made,
      seconds: Math.round((performance.now() - this.#startedMs) / 100) / 10,
      found: [...this.#found.values()],
    };
  }
}
