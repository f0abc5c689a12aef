// The real decision on a state, made once for all states that look alike, and what is kept of it.
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { decide as realDecide } from "../../operator/domain/decide.ts";
import type { GroupMemory } from "../../operator/domain/evidence/memory.ts";
import type { KubeObject, KubeTemplate } from "../../operator/domain/facts/cluster.ts";
import { brokenInvariants } from "../../operator/domain/laws/invariants.ts";
import type { Plan, Step } from "../../operator/domain/plan.ts";
import { approvalBack, EPOCH, epochBack } from "./objects.ts";
import { factsOf, freshFacts, type Rollout, voteOf } from "./sight.ts";
import { CONTROL_PLANES, keep, kept, type Pod, type State, short } from "./state.ts";
import { SHOWN_AT } from "./times.ts";

export interface Decided {
  status: number;
  memory: number;
  /** The mode moves to, and why. */
  move?: { to: string; reason: string };
  steps: readonly Step[];
  broken: readonly string[];
}

export class Decider {
  readonly #rollout: Rollout;
  readonly #decide: typeof realDecide;
  readonly #known = new Map<string, Decided>();
  made = 0;
  again = 0;

  constructor(rollout: Rollout, decide: typeof realDecide = realDecide) {
    this.#rollout = rollout;
    this.#decide = decide;
  }

  of(state: State): Decided {
    const key = seen(state);
    const known = this.#known.get(key);
    if (known) {
      this.again += 1;
      return known;
    }
    const decided = this.#decideNow(state);
    this.#known.set(key, decided);
    return decided;
  }

  #decideNow(state: State): Decided {
    this.made += 1;
    const facts = factsOf(state, this.#rollout);
    const { plan, memory } = this.#decide(facts, kept<GroupMemory>(state.memory));
    const decided = this.#keep(state, plan, memory, brokenInvariants(facts, plan));
    // Now and then with facts of its own: what is shared between looks must change none of them.
    if (this.made % 997 === 0) {
      const alone = this.#decide(freshFacts(state, this.#rollout), kept<GroupMemory>(state.memory));
      if (JSON.stringify(alone.plan) !== JSON.stringify(plan)) throw new Error("shared facts change a decision");
    }
    return decided;
  }

  #keep(state: State, plan: Plan, memory: GroupMemory, broken: string[]): Decided {
    const before = kept<GatewayGroupStatus>(state.status);
    const grown = (plan.status.epoch ?? 0) - (before.epoch ?? 0);
    const laws = grown === (plan.recordsMode ? 1 : 0) ? [] : ["the epoch only grows, and by one with each move"];
    return {
      status: keep(onlyWhatCounts(plan.status, plan.recordsMode)),
      memory: keep(memory),
      ...(plan.recordsMode ? { move: { to: plan.status.mode ?? "", reason: plan.status.modeReason ?? "" } } : {}),
      steps: plan.steps.map(shared),
      broken: [...broken, ...laws],
    };
  }
}

/** Objects that are written are much the same each time: they are kept once. */
function shared({ events: _, ...step }: Step): Step {
  if ("object" in step) return { ...step, object: kept<KubeObject>(keep(step.object)) };
  return step.do === "restoreTemplate" ? { ...step, template: kept<KubeTemplate>(keep(step.template)) } : step;
}

/** Everything that the operator can see, and nothing else. */
function seen(state: State): string {
  const { view } = CONTROL_PLANES[state.controlPlane];
  const {
    pods,
    controlPlane: _c,
    controlPlaneS: _s,
    held,
    heldS: _h,
    loaded: _l,
    accepted: _a,
    nodeCut: _n,
    ...others
  } = state;
  const looks = pods.map(({ holds: _h, odd: _o, deaf: _d, ...pod }) => ({ ...pod, vote: "" }));
  for (const [i, look] of looks.entries()) look.vote = voteOf(state, pods[i] as Pod);
  return short(JSON.stringify([view, view === "readsOk" ? held : "", looks, others]));
}

/** Messages of conditions that are read back. */
const READ_BACK: readonly string[] = ["ControlPlaneRegressed", "SnapshotQuarantined"];

/** What is only shown is left out, and epochs are counted from the present one. */
function onlyWhatCounts(status: GatewayGroupStatus, moved: boolean): object {
  const {
    summary: _s,
    traffic: _t,
    license: _l,
    assumed: _a,
    history,
    conditions,
    snapshot,
    epoch,
    ...others
  } = status;
  const { proofs, lastRehearsal, ...pair } = snapshot ?? {};
  const expired = history?.find(({ to }) => to === "ToNormal");
  return {
    ...(moved ? epochsBack(others) : others),
    ...(epoch === undefined ? {} : { epoch: EPOCH }),
    ...(expired?.reason === "OrderExpired" ? { history: [{ ...expired, epoch: 0, evidence: "" }] } : {}),
    conditions: (conditions ?? []).map(({ type, status: is, reason, message }) => ({
      type,
      status: is,
      reason,
      message: READ_BACK.includes(type) ? message : "",
      lastTransitionTime: SHOWN_AT,
    })),
    snapshot: {
      ...(moved ? epochsBack(pair) : pair),
      ...(proofs ? { proofs: proofs.map((proof) => ({ ...proof, at: SHOWN_AT })) } : {}),
      ...(lastRehearsal ? { lastRehearsal: { ...lastRehearsal, message: "" } } : {}),
    },
  };
}

const epochsBack = (value: object): object =>
  JSON.parse(JSON.stringify(value), (key, part: unknown) => {
    if (typeof part === "string") return approvalBack(part);
    return /epoch/i.test(key) && typeof part === "number" ? epochBack(part) : part;
  });
