// node test/model/replay.ts "THEME" "ROOT" "HAPPENING" ...: a history that the search printed, with what was decided in it.
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { CURES } from "./cures.ts";
import { type Decided, Decider } from "./decided.ts";
import { HAPPENINGS, type HappeningName } from "./happenings.ts";
import { aDay, type Lived, lives, rests } from "./life.ts";
import { canonical, kept, type State } from "./state.ts";
import { THEMES } from "./themes.ts";

function told(state: State): string {
  const { mode, conditions = [] } = kept<GatewayGroupStatus>(state.status);
  const pods = state.pods.map(
    (pod) => `${pod.t}:${pod.from} ${pod.phase} ${pod.holds ?? "-"} ${pod.ageS} s${pod.leaving ? " leaving" : ""}`,
  );
  const said = conditions
    .filter(({ type, status }) => !(type === "Stalled" && status === "False"))
    .map(({ type, reason }) => `${type} ${reason}`);
  const { raw, candidate, verified, deployment } = state;
  const store = `raw ${raw?.content}, candidate ${candidate}, verified ${verified?.content}`;
  const sets = state.sets.map(({ t, replicas }) => `${t} x ${replicas}`).join(", ");
  return `    ${mode}; ${pods.join("; ") || "no pods"}; ${deployment?.replicas} wanted${deployment?.paused ? ", paused" : ""} (${sets}); ${store}\n    ${said.join(", ")}`;
}

class Telling extends Decider {
  override of(state: State): Decided {
    const decided = super.of(state);
    if (decided.move) console.log(`      mode moves to ${decided.move.to}: ${decided.move.reason}`);
    for (const step of decided.steps)
      if (step.do !== "apply" || step.object.metadata.name === "edge" || step.object.metadata.name === "edge-start")
        console.log(
          `      ${step.do} ${"object" in step ? `${step.object.kind}/${step.object.metadata.name}` : "to" in step ? step.to : ""}: ${step.why}`,
        );
    for (const law of decided.broken) console.log(`      BROKEN PLAN: ${law}`);
    return decided;
  }
}

const [themeName, root, ...names] = process.argv.slice(2);
const theme = THEMES.find(({ name }) => name === themeName);
const make = theme?.roots[root ?? ""];
if (!theme || !make) throw new Error(`no theme "${themeName}" with a root "${root}"`);
let state = make(new Decider(theme.rollout));
const decider = new Telling(theme.rollout);
console.log(`${root}\n${told(state)}`);
for (const name of names) {
  console.log(name);
  const cure = CURES.map((makeCure) => makeCure(decider)).find((one) => one.name === name);
  if (cure) {
    console.log(cure.of(state));
    break;
  }
  const lived: Lived =
    name === "10 s pass"
      ? lives(state, decider)
      : name === "until nothing changes"
        ? rests(state, decider)
        : name === "a day passes"
          ? aDay(state, decider)
          : lives(canonical(HAPPENINGS[name as HappeningName](state) ?? state), decider);
  for (const law of lived.broken) console.log(`    BROKEN: ${law}`);
  state = lived.state;
  console.log(told(state));
}
