/** A gateway that is killed without a goodbye: the one end that costs requests, and how many at most. */
import { expect } from "vitest";
import type { LoadSummary } from "../simulator/load.ts";
import { lost } from "./says.ts";

export interface Killed {
  pod: string;
  at: Date;
  /** Of how many that served it was one. */
  of: number;
}

/** Until kubelet and kube-proxy have taken notice. */
const NOTICE_SECONDS = 5;

/**
 * What such a gateway had open, and what was sent to it until the cluster took notice, is lost with any gateway: broken
 * connections to it, refused new ones (which name nobody), and no more of them than its share of what was sent then.
 */
export function expectLostOfTheKilledAlone(load: LoadSummary, { pod, at, of }: Killed): void {
  const from = at.getTime() - 100;
  const soon = (one: { at: string }) =>
    Date.parse(one.at) >= from && Date.parse(one.at) <= from + NOTICE_SECONDS * 1_000;
  const excused = load.examples.filter(
    (one) => ["reset", "refused"].includes(one.kind) && soon(one) && (one.pod ?? pod) === pod,
  );
  const stale = load.stale.filter((one) => soon(one) && one.pod === pod).length;
  const atMost = Math.ceil(((load.sent / load.seconds) * NOTICE_SECONDS) / of);
  const text = `${excused.length} requests and ${stale} stale connections, of at most ${atMost}`;
  console.log(`lost with the gateway that was killed: ${text}`);
  const rest = {
    ...load,
    failed: load.failed - excused.length,
    examples: load.examples.filter((one) => !excused.includes(one)),
    staleConnection: load.staleConnection - stale,
  };
  expect(lost(rest), "not of the pod that was killed").toEqual([]);
  expect(excused.length + stale, text).toBeLessThanOrEqual(atMost);
}
