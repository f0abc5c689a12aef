import { type FallbackStorageSpec, STORAGE_ROLES, type StorageRole, secretNameOf } from "../../api/fallback-storage.ts";
import type { SecretFact, StorageFacts } from "../../domain/facts/facts.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import { keyOf } from "../../kinds.ts";
import type { Clock } from "../../kube/clock.ts";
import type { Memory, Sessions } from "../../session.ts";
import type { SnapshotStore } from "../../storage/store.ts";
import { CaBundles } from "../cluster/ca-bundle.ts";
import type { Caches } from "../cluster/caches.ts";
import { isUnreadable, readStorage } from "../cluster/group.ts";
import type { RoleKeys } from "../cluster/role-keys.ts";
import type { Content, ContentReader } from "../cluster/secrets.ts";
import { Poller } from "../poller.ts";
import { storageProblem } from "./faults.ts";
import { locationOf, readStorageSecret, type StorePool } from "./stores.ts";

export interface StorageReaderOptions {
  clock: Clock;
  /** Of storages, not of groups. */
  sessions: Sessions;
  caches: Pick<Caches, "storages">;
  contents: ContentReader;
  pool: StorePool;
  roleKeys: RoleKeys;
  /** The access of this storage, "namespace/name", changed. */
  wake: (storageKey: string) => void;
  onBug: (error: unknown) => void;
}

/** One FallbackStorage as a group, or its own status, needs it. */
export interface StorageSeen {
  facts: StorageFacts;
  secrets: Record<StorageRole, SecretFact>;
  /** Holdfast's own store; absent while there are no keys for it. */
  store?: SnapshotStore;
  location?: string;
  access: "pending" | "notAsked" | { problems: readonly Problem[] };
  caProblem?: Problem;
}

interface Checked {
  fingerprint: string;
  poller: Poller<readonly Problem[]>;
}

/** How long a first loop waits for the first check. */
const FIRST_CHECK_MS = 6_000;

/** Reads storages: spec from the cache, Secrets by `get`, access by a check in the background. */
export class StorageReader {
  readonly #o: StorageReaderOptions;
  readonly #bundles: CaBundles;
  readonly #checks: Memory<Checked>;

  constructor(options: StorageReaderOptions) {
    this.#o = options;
    this.#bundles = new CaBundles(options.contents, options.sessions);
    this.#checks = options.sessions.memory(({ poller }) => poller.stop());
  }

  async read(namespace: string, name: string): Promise<StorageSeen> {
    const storageKey = keyOf(namespace, name);
    const object = this.#o.caches.storages.get(storageKey)?.value;
    if (!object) {
      this.#o.sessions.drop(storageKey);
      return nothing({ seen: "absent", name });
    }
    const storage = readStorage(object);
    if (isUnreadable(storage)) return nothing({ seen: "unknown", name, why: storage.unreadable });
    const { spec, uid } = storage;
    const maxAgeMs = spec.validationIntervalSeconds * 1000;
    const contents = await this.#contents(namespace, spec, maxAgeMs);
    const ca = await this.#bundles.read(storageKey, namespace, spec, maxAgeMs);
    const parsed = Object.fromEntries(
      STORAGE_ROLES.map((role) => [role, readStorageSecret(spec, role, contents[role])]),
    ) as Record<StorageRole, SecretFact>;
    const untrusted = ca.pem === undefined ? ca.problem : undefined;
    const secrets = untrusted ? parsed : this.#o.roleKeys.judge(storageKey, spec, contents, parsed, ca.pem);
    const open = untrusted ? undefined : this.#o.pool.open(storageKey, spec, contents.operator, ca.pem);
    const asked = open ? this.#access(storageKey, open.fingerprint, open.store, maxAgeMs) : "notAsked";
    // Keys that are refused must not look good until that is known, at each start of Holdfast.
    const access = open && this.#o.roleKeys.isPending(storageKey, FIRST_CHECK_MS) ? "pending" : asked;
    if (!open) this.#checks.delete(storageKey);
    const refused = typeof access === "object" ? access.problems.find(({ field }) => field !== CLOCK) : undefined;
    const fault = untrusted ?? faultOfSecret(secrets.operator) ?? (refused && located(refused, name, spec));
    return {
      facts: { seen: "present", name, uid, spec, ...(fault ? { fault } : {}) },
      secrets,
      access,
      ...(open ? { store: open.store, location: locationOf(spec) } : {}),
      ...(ca.problem ? { caProblem: ca.problem } : {}),
    };
  }

  stop(): void {
    this.#checks.clear();
    this.#o.roleKeys.stop();
  }

  async #contents(
    namespace: string,
    spec: FallbackStorageSpec,
    maxAgeMs: number,
  ): Promise<Record<StorageRole, Content>> {
    const read = (role: StorageRole) => this.#o.contents.secret(namespace, secretNameOf(spec, role) ?? "", maxAgeMs);
    const [writer, reader, operator] = await Promise.all([read("writer"), read("reader"), read("operator")]);
    return { writer, reader, operator };
  }

  #access(storageKey: string, fingerprint: string, store: SnapshotStore, intervalMs: number): StorageSeen["access"] {
    let checked = this.#checks.get(storageKey);
    if (checked?.fingerprint !== fingerprint) {
      this.#checks.delete(storageKey);
      const poller = new Poller<readonly Problem[]>({
        clock: this.#o.clock,
        intervalMs,
        ask: (signal) => check(store, signal),
        same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
        onChange: () => this.#o.wake(storageKey),
        onBug: this.#o.onBug,
      });
      checked = { fingerprint, poller };
      this.#checks.set(storageKey, checked);
    }
    const { poller } = checked;
    poller.setInterval(intervalMs);
    const latest = poller.latest();
    if (latest) return { problems: latest.value };
    const waitedMs = this.#o.clock.monotonicMs() - poller.startedMs;
    if (waitedMs < FIRST_CHECK_MS) return "pending";
    const message = "The store has not answered yet";
    return { problems: [{ reason: "StorageUnavailable", field: "spec", message }] };
  }
}

/** Our clock may be wrong by this before it is worth a word: signatures are refused from 15 minutes on. */
const SKEW_LIMIT_MS = 60_000;
/** Not a field: a word for a problem that is told at the storage, and that keeps no group from using it. */
const CLOCK = "clock";

async function check(store: SnapshotStore, signal: AbortSignal): Promise<readonly Problem[]> {
  const answers = await store.check(signal);
  return Object.values(answers).flatMap((bucket): Problem[] => {
    if (bucket.state === "refused") return [storageProblem(bucket.error)];
    if (Math.abs(bucket.clockSkewMs) <= SKEW_LIMIT_MS) return [];
    const message = "The clock of this node and the store's differ by more than a minute: synchronise the node's clock";
    return [{ reason: "StorageMisconfigured", field: CLOCK, message }];
  });
}

const faultOfSecret = (secret: SecretFact): Problem | undefined => {
  if (secret.seen === "present") return secret.problem;
  const field = "spec.operator.credentials";
  if (secret.seen === "absent") {
    const message = `Secret "${secret.name}" with Holdfast's own storage keys does not exist: create it`;
    return { reason: "StorageSecretMissing", field, message };
  }
  return { reason: "StorageUnavailable", field, message: `Secret "${secret.name}" cannot be read: ${secret.why}` };
};

/** A group names its storage in one field; where in there the mistake is, is told with it. */
function located(problem: Problem, name: string, spec: FallbackStorageSpec): Problem {
  const where = `spec.fallback.storageRef -> FallbackStorage "${name}"`;
  if (problem.reason === "StorageDenied")
    return { ...problem, field: `${where}, Secret "${secretNameOf(spec, "operator")}" of spec.operator.credentials` };
  return { ...problem, field: `${where}, spec.${spec.type === "S3" ? "s3" : "azureBlob"}` };
}

/** A storage that could not be read. */
export const unknownStorage = (name: string, why: string): StorageSeen => nothing({ seen: "unknown", name, why });

function nothing(facts: StorageFacts): StorageSeen {
  const why = facts.seen === "unknown" ? facts.why : `FallbackStorage "${facts.name}" does not exist`;
  const secret: SecretFact = { seen: "unknown", name: "", why };
  return { facts, secrets: { writer: secret, reader: secret, operator: secret }, access: "notAsked" };
}
