// Time in the reduced world: everything goes on, and the operator looks.
import type { GroupMemory } from "../../operator/domain/evidence/memory.ts";
import type { Decider } from "./decided.ts";
import { looks, withProofs } from "./look.ts";
import { keep, kept, type State, stateKey } from "./state.ts";
import { DAY_PASSES_S, NOW_MS } from "./times.ts";
import { type Going, goOn } from "./world.ts";

const STEP_S = 5;
/** No more than the longest wait of the spec, damping aside. */
const REST_S = 900;
/** Two witness pods a minute, a rehearsal each half minute, and a canary a minute: more than these are too many. */
const HELPERS_MAX = 80;
const STRIDES_S = [5, 5, 10, 20, 30];

export interface Lived extends Going {
  transitions: number;
}

/** So long after a happening the operator looks. */
export function lives(before: State, decider: Decider): Lived {
  const first = goOn(before, STEP_S);
  const second = goOn(first.state, STEP_S);
  const { state, broken } = looks(withProofs(second.state), decider);
  return { state, broken: [...first.broken, ...second.broken, ...broken], transitions: 1 };
}

/**
 * Until nothing changes any more, or for a quarter of an hour. While the operator finds nothing to do, the strides grow:
 * it looked in between, saw the same, and did nothing.
 */
export function rests(before: State, decider: Decider): Lived {
  let state = before;
  let transitions = 0;
  let calm = 0;
  let begun = 0;
  const broken: string[] = [];
  for (let passedS = 0; passedS < REST_S && broken.length === 0; ) {
    const was = stateKey(state);
    const strideS = STRIDES_S[Math.min(calm, STRIDES_S.length - 1)] ?? STEP_S;
    const gone = goOn(state, strideS);
    const seen = withProofs(strideS > STEP_S ? watched(gone.state) : gone.state);
    const looked = looks(seen, decider);
    broken.push(...gone.broken, ...looked.broken);
    state = looked.state;
    transitions += 1;
    passedS += strideS;
    begun += looked.begun;
    calm = looked.quiet ? calm + 1 : 0;
    if (looked.quiet && stateKey(state) === was) break;
  }
  if (begun > HELPERS_MAX) broken.push("throw-away pods are not made without an end");
  return { state, broken, transitions };
}

export function aDay(before: State, decider: Decider): Lived {
  const gone = goOn(before, DAY_PASSES_S);
  const lived = rests(watched(gone.state), decider);
  return { ...lived, broken: [...gone.broken, ...lived.broken] };
}

const seenJustNow = new Map<number, number>();
/** The operator that is up saw what it sees now all along. */
function watched(state: State): State {
  if (!state.operatorUp) return state;
  const known = seenJustNow.get(state.memory);
  if (known !== undefined) return { ...state, memory: known };
  const memory = kept<GroupMemory>(state.memory);
  const now = memory.verdict
    ? keep({ ...memory, verdict: { ...memory.verdict, seenMs: NOW_MS - STEP_S * 1000 } })
    : state.memory;
  seenJustNow.set(state.memory, now);
  return { ...state, memory: now };
}
