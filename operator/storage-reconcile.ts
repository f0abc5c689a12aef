import { isDeepStrictEqual } from "node:util";
import type { FallbackStorageStatus } from "./api/fallback-storage.ts";
import { decideStorage } from "./domain/status/storage-status.ts";
import { type CustomObject, fallbackStorages } from "./kinds.ts";
import type { KubeClient } from "./kube/client.ts";
import type { Clock } from "./kube/clock.ts";
import type { ReconcileResult } from "./kube/controller.ts";
import type { Store } from "./kube/store.ts";
import type { Log } from "./log.ts";
import { isUnreadable, readStorage } from "./observe/cluster/group.ts";
import type { StorageReader } from "./observe/store/storage.ts";
import type { Sessions } from "./session.ts";

export interface StorageLoop {
  clock: Clock;
  client: Pick<KubeClient, "replaceStatus">;
  storages: Store<CustomObject>;
  reader: Pick<StorageReader, "read">;
  /** Of storages, not of groups. */
  sessions: Sessions;
  log: Log;
}

const UNREADABLE_MS = 60_000;
const PENDING_MS = 500;

/** The same loop for a FallbackStorage, which owns nothing but its status. */
export function storageReconciler(
  loop: StorageLoop,
): (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined> {
  const { clock, client, storages, reader, sessions, log } = loop;
  return async (key, signal) => {
    if (storages.isBehind(key)) return { recheckAfterMs: PENDING_MS };
    const object = storages.get(key)?.value;
    if (!object) {
      sessions.drop(key);
      return undefined;
    }
    const storage = readStorage(object);
    if (isUnreadable(storage)) {
      log.error("storage cannot be read by this version and is left alone", { storage: key, why: storage.unreadable });
      return { recheckAfterMs: UNREADABLE_MS };
    }
    if (storage.deleting) return undefined;
    const { namespace, name, uid, resourceVersion, generation, status } = storage;
    const { secrets, access, caProblem } = await reader.read(namespace, name);
    if (access === "pending") return { recheckAfterMs: PENDING_MS };
    const nowMs = clock.wallMs();
    const wanted = decideStorage({ nowMs, generation, status, secrets, access, ...(caProblem ? { caProblem } : {}) });
    if (!same(wanted, status)) {
      const seen = { namespace, name, uid, resourceVersion };
      const written = await client.replaceStatus(fallbackStorages, seen, wanted, { signal });
      storages.expect(key, written.metadata.resourceVersion ?? "");
    }
    return { recheckAfterMs: storage.spec.validationIntervalSeconds * 1000 };
  };
}

const same = (a: FallbackStorageStatus, b: FallbackStorageStatus): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
