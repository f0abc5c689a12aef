import { expect, test } from "vitest";
import { type HeartbeatReport, License } from "./control-plane/license.ts";

const now = Date.parse("2026-11-21T12:00:00Z");
const report = (instance_id: string, running_mode: "standard" | "backup", cores: number): HeartbeatReport => ({
  instance_id,
  running_mode,
  cores,
  hostname: instance_id,
  version: "3.9.14",
});

test.for<[string, [HeartbeatReport, secondsAgo: number][], object]>([
  ["nobody", [], { licensedCores: 0, standard: 0, backup: 0, backupCores: 0 }],
  [
    "standard instances add up",
    [
      [report("a", "standard", 2), 1],
      [report("b", "standard", 4), 1],
    ],
    { licensedCores: 6, standard: 2, backup: 0, backupCores: 0 },
  ],
  [
    "a backup never counts",
    [
      [report("a", "standard", 2), 1],
      [report("x", "backup", 8), 1],
    ],
    { licensedCores: 2, standard: 1, backup: 1, backupCores: 8 },
  ],
  [
    "an instance that reports twice counts once",
    [
      [report("a", "standard", 2), 20],
      [report("a", "standard", 2), 1],
    ],
    { licensedCores: 2, standard: 1, backup: 0, backupCores: 0 },
  ],
  [
    "thirty seconds old still counts",
    [[report("a", "standard", 2), 30]],
    { licensedCores: 2, standard: 1, backup: 0, backupCores: 0 },
  ],
  ["older does not", [[report("a", "standard", 2), 31]], { licensedCores: 0, standard: 0, backup: 0, backupCores: 0 }],
])("license: %s", ([, reports, expected]) => {
  const license = new License();
  for (const [heartbeat, secondsAgo] of reports) license.record(heartbeat, now - secondsAgo * 1_000);
  expect(license.view(now)).toEqual(expected);
});
