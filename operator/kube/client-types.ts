// The vocabulary of KubeClient: what may be asked, and under which preconditions.

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Default 10 s, for the whole call. */
  timeoutMs?: number;
  /** Do not queue behind other calls. */
  urgent?: boolean;
}
export interface ListOptions extends CallOptions {
  /** Absent: every namespace (needs the cluster-wide right). */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Items per page. */
  limit?: number;
  continue?: string;
}
export interface Page<T> {
  items: T[];
  resourceVersion: string;
  continue?: string;
}
export interface WatchOptions extends CallOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  timeoutSeconds: number;
}
export interface WriteOptions extends CallOptions {
  dryRun?: boolean;
  fieldManager?: string;
  /** A field that the schema does not know is refused by its name; without it the server drops it in silence. */
  strict?: boolean;
}
export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take over fields that another manager owns; without it such a field is a Conflict. */
  force?: boolean;
}
/** The object that was looked at: a write that names it fails with Conflict once it is another. */
export interface Seen {
  namespace?: string;
  name: string;
  resourceVersion: string;
  uid?: string;
}
export interface DeleteOptions extends CallOptions {
  /** Preconditions: NotFound or Conflict when the object is not (or no longer) this one. */
  uid: string;
  resourceVersion?: string;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}
/** An object to apply: only the fields that are meant, with its kind and name. */
export interface Applied {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}
export interface JsonPatchOperation {
  op: "add" | "remove" | "replace" | "test" | "move" | "copy";
  path: string;
  from?: string;
  value?: unknown;
}
