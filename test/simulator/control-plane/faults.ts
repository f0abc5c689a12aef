import { z } from "zod";

/**
 * What can be wrong with the control plane, from the side of who asks it:
 * none; refuse: nothing listens; freeze: accepts and never answers; slow: each answer late by `ms`;
 * storeDead: /version answers, the database behind does not (`status`: 503 at once; `hang`: no answer);
 * denied: every request is answered 401 or 403; empty: every key is deleted; wipe: etcd is killed, its data removed, and
 * started empty. `empty` and `wipe` happen once: they change the data, not the way of answering.
 */
export const Fault = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.literal("none") }),
  z.strictObject({ mode: z.literal("refuse") }),
  z.strictObject({ mode: z.literal("freeze") }),
  z.strictObject({ mode: z.literal("slow"), ms: z.int().min(0).max(600_000) }),
  z.strictObject({ mode: z.literal("storeDead"), how: z.enum(["status", "hang"]).default("status") }),
  z.strictObject({ mode: z.literal("denied"), status: z.union([z.literal(401), z.literal(403)]).default(403) }),
  z.strictObject({ mode: z.literal("empty") }),
  z.strictObject({ mode: z.literal("wipe") }),
]);
export type Fault = z.infer<typeof Fault>;
export type FaultOrder = z.input<typeof Fault>;
export type LastingFault = Exclude<Fault, { mode: "empty" | "wipe" }>;

/** Something that may have to wait for a thaw. */
export class Gate {
  private closed = false;
  private readonly waiting: (() => void)[] = [];

  /** Resolves at once while the gate is open, else when it opens. */
  pass(): Promise<void> | undefined {
    return this.closed ? new Promise((resolve) => this.waiting.push(resolve)) : undefined;
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.closed = false;
    for (const go of this.waiting.splice(0)) go();
  }
}
