/** One mistake of a person, made on a group that serves: told within seconds, harmless, and healed by undoing it. */
import { expect } from "vitest";
import type { Json } from "./cluster.ts";
import { condition, lives } from "./says.ts";
import type { Stage } from "./stage.ts";

export interface Mistake {
  what: string;
  make: (stage: Stage) => Promise<void>;
  undo: (stage: Stage) => Promise<void>;
  reason: string;
  /** Field, value and way out: all are in the message. */
  says: (string | RegExp)[];
  /** How long it may take to be noticed; Secrets of the control plane are read each minute. */
  withinSeconds?: number;
}

const trafficTemplate = async (stage: Stage): Promise<string> =>
  JSON.stringify((await stage.cluster.get(stage.namespace, "deployments", "edge")).spec.template);

/** Also: neither a serving pod nor the template that it came from changes while the mistake stands. */
export async function makeAndUndo(stage: Stage, mistake: Mistake): Promise<void> {
  const [before, template] = [lives(await stage.pods()), await trafficTemplate(stage)];
  try {
    await mistake.make(stage);
    await stage.until(`Stalled: ${mistake.reason}`, mistake.withinSeconds ?? 30, (status) => {
      const stalled = condition(status, "Stalled");
      return stalled?.status === "True" && stalled.reason === mistake.reason;
    });
    const stalled: Json = condition(await stage.status(), "Stalled");
    for (const part of mistake.says) expect(stalled.message).toMatch(part);
    expect(await trafficTemplate(stage)).toBe(template);
    expect(lives(await stage.pods())).toEqual(before);
  } finally {
    await mistake.undo(stage);
  }
  await stage.until(`healed from ${mistake.what}`, mistake.withinSeconds ?? 30, (status) => {
    const stalled = condition(status, "Stalled");
    return stalled?.status === "False" && condition(status, "Ready")?.status === "True";
  });
}

/** A change of the group's spec, and the same change taken back. */
export function ofSpec(what: string, spec: Json, back: Json, reason: string, ...says: (string | RegExp)[]): Mistake {
  const patch = (stage: Stage, value: Json) =>
    stage.cluster.patch(stage.namespace, "gatewaygroups", "edge", { spec: value });
  return { what, make: (stage) => patch(stage, spec), undo: (stage) => patch(stage, back), reason, says };
}
