import type { FallbackStorageSpec, StorageRole } from "../../api/fallback-storage.ts";
import type { SecretFact } from "../../domain/facts/facts.ts";
import type { Clock } from "../../kube/clock.ts";
import type { Memory, Sessions } from "../../session.ts";
import type { StoreSettings } from "../../storage/settings.ts";
import type { SnapshotStore, StoreCheck } from "../../storage/store.ts";
import { Poller } from "../poller.ts";
import { fingerprintOf, locationOf, settingsOf } from "../store/stores.ts";
import type { Content } from "./secrets.ts";

/** Whose keys get into gateways. Of Holdfast's own the check of its access tells. */
const HANDED_ON = ["writer", "reader"] as const satisfies readonly StorageRole[];
type PerRole<T> = Readonly<Record<StorageRole, T>>;

export interface RoleKeysOptions {
  clock: Clock;
  sessions: Sessions;
  make: (settings: StoreSettings) => SnapshotStore;
  /** What the store says of the keys of this storage, "namespace/name", changed. */
  wake: (storageKey: string) => void;
  onBug: (error: unknown) => void;
}

/** What the store last said clearly of some keys. */
type Word = { is: "nothing" } | { is: "known" } | { is: "refused"; why: string };

interface Asked {
  /** Which Secret for which place. */
  of: string;
  fingerprint: string;
  poller: Poller<Word>;
}

/** Keys can be revoked in the store while their Secret stays as it is; each question leaves refusals in its log. */
const KNOWN_INTERVAL_MS = 600_000;

/**
 * Does the store know the keys that Holdfast hands on to gateways? A mistake in them would only show in the log of an
 * exporter that fails, or in the outage. They are asked with a listing, which they need not be allowed: that they lack
 * the right says that they are known, and known keys are asked about seldom.
 */
export class RoleKeys {
  readonly #o: RoleKeysOptions;
  readonly #asked: Memory<Map<StorageRole, Asked>>;

  constructor(options: RoleKeysOptions) {
    this.#o = options;
    this.#asked = options.sessions.memory((ofStorage) => {
      for (const { poller } of ofStorage.values()) poller.stop();
    });
  }

  /** The Secrets as they were read, with a problem where the store is known to refuse what is in them. */
  judge(
    storageKey: string,
    spec: FallbackStorageSpec,
    contents: PerRole<Content>,
    secrets: PerRole<SecretFact>,
    caBundle: string | undefined,
  ): PerRole<SecretFact> {
    const settings = (role: StorageRole) => {
      const content = contents[role];
      return content.seen === "present" ? settingsOf(spec, content.data, caBundle) : undefined;
    };
    const own = settings("operator");
    const judged = { ...secrets };
    for (const role of HANDED_ON) {
      const secret = secrets[role];
      const of = `${secret.name} at ${locationOf(spec)}`;
      const given = settings(role);
      const isOwn = own && given && fingerprintOf(own) === fingerprintOf(given);
      if (given && !isOwn) this.#want(storageKey, role, of, given, spec.validationIntervalSeconds * 1000);
      // A Secret that cannot be read just now takes back nothing that is known of its keys.
      else if (secret.seen !== "unknown" || this.#of(storageKey, role)?.of !== of) this.#drop(storageKey, role);
      const word = this.#of(storageKey, role)?.poller.latest()?.value;
      if (word?.is !== "refused" || secret.seen === "absent") continue;
      const field = `FallbackStorage spec.${role}.credentials`;
      const message = `Secret "${secret.name}": the store refuses the ${role}'s keys. ${word.why}`;
      judged[role] = { ...secret, problem: { reason: "StorageDenied", field, message } };
    }
    return judged;
  }

  /** Was the store asked about keys of this storage less than so long ago, and has not said a first word? */
  isPending(storageKey: string, ms: number): boolean {
    const sinceMs = this.#o.clock.monotonicMs() - ms;
    const pollers = HANDED_ON.flatMap((role) => this.#of(storageKey, role)?.poller ?? []);
    return pollers.some((poller) => poller.latest() === undefined && poller.startedMs > sinceMs);
  }

  stop(): void {
    this.#asked.clear();
  }

  #of(storageKey: string, role: StorageRole): Asked | undefined {
    return this.#asked.get(storageKey)?.get(role);
  }

  /** These keys are asked about from now on, at the pace that fits what is known of them. */
  #want(storageKey: string, role: StorageRole, of: string, settings: StoreSettings, intervalMs: number): void {
    const fingerprint = fingerprintOf(settings);
    let asked = this.#of(storageKey, role);
    if (asked?.fingerprint !== fingerprint) {
      this.#drop(storageKey, role);
      asked = { of, fingerprint, poller: this.#ask(storageKey, settings, intervalMs) };
      const ofStorage = this.#asked.get(storageKey) ?? new Map<StorageRole, Asked>();
      this.#asked.set(storageKey, ofStorage.set(role, asked));
    }
    asked.of = of;
    asked.poller.setInterval(paceOf(asked.poller.latest()?.value, intervalMs));
  }

  #drop(storageKey: string, role: StorageRole): void {
    this.#of(storageKey, role)?.poller.stop();
    this.#asked.get(storageKey)?.delete(role);
  }

  #ask(storageKey: string, settings: StoreSettings, intervalMs: number): Poller<Word> {
    let word: Word = { is: "nothing" };
    const poller: Poller<Word> = new Poller<Word>({
      clock: this.#o.clock,
      intervalMs,
      ask: async (signal) => {
        const store = this.#o.make(settings);
        try {
          word = wordOf(await store.check(signal), word);
          return word;
        } finally {
          store.close();
        }
      },
      same: (a, b) => a.is === b.is,
      onChange: (latest) => {
        poller.setInterval(paceOf(latest, intervalMs));
        this.#o.wake(storageKey);
      },
      onBug: this.#o.onBug,
    });
    return poller;
  }
}

/** A store that does not answer takes nothing back, and the words stay those of the first refusal. */
function wordOf(check: StoreCheck, before: Word): Word {
  const refused = Object.values(check).flatMap((bucket) => (bucket.state === "refused" ? [bucket.error] : []));
  const unknown = refused.find(({ fault }) => fault === "WrongCredentials");
  if (unknown) return before.is === "refused" ? before : { is: "refused", why: unknown.message };
  return refused.every(({ fault }) => fault === "AccessDenied") ? { is: "known" } : before;
}

const paceOf = (word: Word | undefined, intervalMs: number): number =>
  word?.is === "known" ? Math.max(intervalMs, KNOWN_INTERVAL_MS) : intervalMs;
