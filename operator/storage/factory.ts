/** From settings to a store: the one place that knows which vendors there are. */
import type { StoreSettings } from "./settings.ts";
import type { SnapshotStore } from "./store.ts";
import { DEFAULT_LIMITS, type Limits } from "./transport.ts";

/** Opens nothing: the first call connects. One store per FallbackStorage and role; close() it when it is replaced. */
export function makeStore(settings: StoreSettings, limits: Partial<Limits> = {}): SnapshotStore {
  const all = { ...DEFAULT_LIMITS, ...limits };
  return onFirstUse(async () => {
    switch (settings.type) {
      case "S3":
        return new (await import("./s3.ts")).S3Store(settings, all);
      case "AzureBlob":
        return new (await import("./azure-blob.ts")).AzureBlobStore(settings, all);
      default:
        return settings satisfies never;
    }
  });
}

/** Each vendor's library takes some 35 MB of memory: it is loaded with the first call of the first store that needs it. */
function onFirstUse(open: () => Promise<SnapshotStore>): SnapshotStore {
  let opened: Promise<SnapshotStore> | undefined;
  const store = async () => {
    opened ??= open();
    try {
      return await opened;
    } catch (error) {
      // The next call tries again: what was short, such as file handles, may be there then.
      opened = undefined;
      throw error;
    }
  };
  return {
    read: async (...call) => (await store()).read(...call),
    head: async (...call) => (await store()).head(...call),
    write: async (...call) => (await store()).write(...call),
    list: async (...call) => (await store()).list(...call),
    remove: async (...call) => (await store()).remove(...call),
    check: async (...call) => (await store()).check(...call),
    // That it could not be opened was told to whoever called it; told to nobody, it would end the process.
    close: () => void opened?.then((one) => one.close()).catch(() => undefined),
  };
}
