/** A reader of snapshots on a clock that stands still: the set-up of the tests snapshot-large and snapshot-queue. */

import { LargeTurns } from "../../../operator/observe/store/large-slots.ts";
import { SnapshotReader } from "../../../operator/observe/store/snapshot.ts";
import { Sessions } from "../../../operator/session.ts";
import type { SnapshotStore } from "../../../operator/storage/store.ts";
import { inspectHere } from "../../gateway/api7/inspect-here.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { neverCalled } from "../never.ts";

export const CONFIG = JSON.stringify({ config: { config_version: 1, config_payload: { keyring: ["k"] } } });

export function reading() {
  const clock = new FakeClock();
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    onBug: neverCalled,
    clock,
    large: new LargeTurns(),
    wake: () => undefined,
  });
  const want = (group: string, store: SnapshotStore, location: string) =>
    snapshots.want(group, { store, location, shortID: group, rawIntervalMs: 60_000, validationIntervalMs: 60_000 });
  return { clock, snapshots, want };
}
