import type { Inspect } from "../../../operator/gateway/api7/inspect.ts";
import { inspectSnapshot } from "../../../operator/gateway/api7/snapshot.ts";

/** Large pairs on this thread, too: for tests on a clock that is turned by hand. */
export const inspectHere: Inspect = (resource, config, context) => inspectSnapshot(resource, config, context);
