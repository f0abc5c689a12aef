import type { ControllerOptions } from "./kube/controller.ts";
import type { Informer } from "./kube/informer.ts";
import type { Log } from "./log.ts";

type Reconcile = ControllerOptions["reconcile"];

const LOOK_AGAIN_MS = 5_000;

/**
 * Leaves the keys of a namespace alone until every kind of it has been listed once: where the rights are gone, or given
 * back one by one, a kind that was not read would look like objects that do not exist.
 */
export function onlyKept(
  informers: readonly Pick<Informer<never, never>, "keeps">[],
  log: Log,
  reconcile: Reconcile,
): Reconcile {
  const leftOut = new Set<string>();
  return async (key, signal) => {
    const namespace = key.split("/", 1)[0] ?? "";
    if (informers.every((informer) => informer.keeps(namespace))) {
      if (leftOut.delete(namespace)) log.info("namespace can be read again", { namespace });
      return await reconcile(key, signal);
    }
    if (!leftOut.has(namespace)) log.error("namespace is left out: not all of it can be read", { namespace });
    leftOut.add(namespace);
    return { recheckAfterMs: LOOK_AGAIN_MS };
  };
}
