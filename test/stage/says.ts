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

/** Every failed request, with when, how and on which pod. Nothing else but [] is right where all ends are graceful. */
export const lost = (load: LoadSummary): readonly object[] => (load.failed === 0 ? [] : load.examples);
