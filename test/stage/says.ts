import type { LoadSummary } from "../simulator/load.ts";
import type { Json } from "./cluster.ts";

export const FULL = Boolean(process.env["HOLDFAST_E2E_FULL"]);

export const condition = (status: Json, type: string): Json | undefined =>
  status.conditions?.find((one: Json) => one.type === type);

export const isTrue = (status: Json, type: string): boolean => condition(status, type)?.status === "True";

/** `Unreachable GatewaysCutOff`: the verdict on the control plane, and why. */
export const verdict = (status: Json): string =>
  `${status.controlPlane?.verdict} ${condition(status, "ControlPlaneReachable")?.reason}`;

/** Reason of `Held`, "" when nothing is held. */
export const held = (status: Json): string => (isTrue(status, "Held") ? (condition(status, "Held")?.reason ?? "") : "");

/** What is served must not change while input is bad: who serves, by uid and how often each container started. */
export const lives = (pods: readonly Json[]): string[] =>
  pods
    .filter((pod) => !pod.metadata.deletionTimestamp)
    .map((pod) => {
      const restarts = (pod.status.containerStatuses ?? []).map((c: Json) => `${c.name}=${c.restartCount}`);
      return `${pod.metadata.name} ${pod.metadata.uid} ${restarts.join()}`;
    })
    .sort();

/**
 * How many requests may have met a kept connection that its server closed at that moment: a gateway that ends gracefully
 * closes what is idle, and HTTP lets it (test/simulator/load.ts). Measured: one per ended pod at 400 requests a second.
 */
const staleAllowed = ({ sent }: LoadSummary): number => Math.max(2, Math.floor(sent / 1_000));

/**
 * Every failed request, with when, how and on which pod; and what else must not be: requests that were never sent, more
 * stale connections than graceful ends explain. Nothing else but [] is right where all ends are graceful.
 */
export function lost(load: LoadSummary): readonly object[] {
  const { failed, failures, examples, notSent, staleConnection, stale, sent } = load;
  return [
    ...(failed === 0 ? [] : [{ failed, failures }, ...examples]),
    ...(notSent === 0 ? [] : [{ notSent }]),
    ...(staleConnection <= staleAllowed(load) ? [] : [{ staleConnection, sent, stale }]),
  ];
}

/** One line for the log of a run. */
export const loadInWords = ({ sent, seconds, failed, staleConnection, notSent, latencyMs }: LoadSummary): string =>
  `load: ${sent} sent in ${seconds.toFixed(0)} s; ${failed} failed, ${staleConnection} on stale connections, ` +
  `${notSent} not sent; p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`;
