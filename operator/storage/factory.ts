/** From settings to a store: the one place that knows which vendors there are. */
import { AzureBlobStore } from "./azure-blob.ts";
import { S3Store } from "./s3.ts";
import type { StoreSettings } from "./settings.ts";
import type { SnapshotStore } from "./store.ts";
import { DEFAULT_LIMITS, type Limits } from "./transport.ts";

/** Opens nothing: the first call connects. One store per FallbackStorage and role; close() it when it is replaced. */
export function makeStore(settings: StoreSettings, limits: Partial<Limits> = {}): SnapshotStore {
  const all = { ...DEFAULT_LIMITS, ...limits };
  switch (settings.type) {
    case "S3":
      return new S3Store(settings, all);
    case "AzureBlob":
      return new AzureBlobStore(settings, all);
    default:
      return settings satisfies never;
  }
}
