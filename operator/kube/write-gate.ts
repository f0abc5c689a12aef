import { KubeError } from "./errors.ts";

/**
 * A Lease is no fence: nothing on the server stops a process that lost it. So every mutating call passes this gate,
 * which is open only while leadership is certain by our own clocks (pitfall N13).
 */
export interface WriteGate {
  isOpen(): boolean;
  /**
   * Called when a write is about to be sent.
   * @returns a signal that aborts as soon as the gate closes, to cut off what is in flight
   * @throws KubeError "GateClosed"
   */
  enter(what: string): AbortSignal;
}

const NEVER = new AbortController().signal;

/** For what needs no leadership: the Lease itself, access reviews, command line use. */
export const openGate: WriteGate = { isOpen: () => true, enter: () => NEVER };

export function gateClosed(what: string, why: string, cause?: unknown): KubeError {
  return new KubeError("GateClosed", `Cannot ${what}: this process may write only while it is the leader: ${why}`, {
    cause,
  });
}
