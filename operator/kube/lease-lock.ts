import type { KubeClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { isKubeError } from "./errors.ts";
import { type Lease, leases } from "./resources.ts";

export interface LeaseLockOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  identity: string;
  clock: Clock;
  leaseDurationMs: number;
  callTimeoutMs: number;
}

type LeaseSpec = NonNullable<Lease["spec"]>;

/** One Lease object as seen by one candidate. Every write names the version that it was decided on. */
export class LeaseLock {
  readonly #o: LeaseLockOptions;
  #seen: { lease: Lease; record: string; atMs: number } | undefined;

  constructor(options: LeaseLockOptions) {
    this.#o = options;
  }

  /** Who held it when it was last seen. */
  holder(): string | undefined {
    return this.#seen?.lease.spec?.holderIdentity || undefined;
  }

  heldByOther(): boolean {
    const holder = this.holder();
    return holder !== undefined && holder !== this.#o.identity;
  }

  /** Renews by the version that we wrote last, without reading. False when that version is no longer the newest. */
  async renew(signal: AbortSignal): Promise<boolean> {
    const known = this.#seen?.lease;
    if (known?.spec?.holderIdentity !== this.#o.identity) return false;
    try {
      this.#saw(await this.#put(known, { ...known.spec, renewTime: this.#stamp() }, signal));
      return true;
    } catch (error) {
      if (isKubeError(error, "Conflict", "NotFound")) return false;
      throw error;
    }
  }

  /** Reads it, and takes it when it is free, ours, or has run out. */
  async take(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, identity } = this.#o;
    const lease = await client.get(leases, namespace, name, this.#call(signal));
    if (!lease) {
      const fresh: Lease = { metadata: { name, namespace }, spec: this.#term(0) };
      this.#saw(await client.create(leases, fresh, this.#call(signal)));
      return true;
    }
    this.#saw(lease);
    if (this.heldByOther() && !this.#ranOut()) return false;
    const ours = lease.spec?.holderIdentity === identity;
    const term = ours ? { renewTime: this.#stamp() } : this.#term((lease.spec?.leaseTransitions ?? 0) + 1);
    this.#saw(await this.#put(lease, { ...lease.spec, ...term }, signal));
    return true;
  }

  /** Leaves it free, so that the next candidate need not wait. */
  async release(): Promise<void> {
    const known = this.#seen?.lease;
    if (!known) return;
    try {
      await this.#free(known);
    } catch (error) {
      if (!isKubeError(error, "Conflict")) throw error;
      // A renewal that was cut off may have arrived all the same.
      const { client, namespace, name, identity } = this.#o;
      const now = await client.get(leases, namespace, name, this.#call(undefined));
      if (now?.spec?.holderIdentity === identity) await this.#free(now);
    }
  }

  #free(lease: Lease): Promise<Lease> {
    const free: LeaseSpec = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: this.#stamp() };
    return this.#put(lease, { ...lease.spec, ...free }, undefined);
  }

  #put(lease: Lease, spec: LeaseSpec, signal: AbortSignal | undefined): Promise<Lease> {
    const { name, namespace = this.#o.namespace, resourceVersion = "", uid = "" } = lease.metadata;
    const seen = { name, namespace, resourceVersion, uid };
    return this.#o.client.mergePatch(leases, seen, { spec }, this.#call(signal));
  }

  #saw(lease: Lease): void {
    const record = JSON.stringify(lease.spec);
    const known = this.#seen;
    this.#seen = { lease, record, atMs: known?.record === record ? known.atMs : this.#o.clock.monotonicMs() };
  }

  /** Judged by how long WE have seen it unchanged, never by the times written into it: clocks differ. */
  #ranOut(): boolean {
    if (!this.#seen) return false;
    const seconds = this.#seen.lease.spec?.leaseDurationSeconds;
    const durationMs = seconds === undefined ? this.#o.leaseDurationMs : seconds * 1000;
    return this.#o.clock.monotonicMs() - this.#seen.atMs >= durationMs;
  }

  #term(leaseTransitions: number): LeaseSpec {
    const now = this.#stamp();
    const leaseDurationSeconds = Math.max(1, Math.ceil(this.#o.leaseDurationMs / 1000));
    const { identity: holderIdentity } = this.#o;
    return { holderIdentity, leaseDurationSeconds, acquireTime: now, renewTime: now, leaseTransitions };
  }

  /** metav1.MicroTime wants six decimals. */
  #stamp(): string {
    return new Date(this.#o.clock.wallMs()).toISOString().replace("Z", "000Z");
  }

  #call(signal: AbortSignal | undefined) {
    return { signal, timeoutMs: this.#o.callTimeoutMs, urgent: true };
  }
}
