import { expect, test } from "vitest";
import type { PodFact } from "../../../operator/domain/facts/cluster.ts";
import { licenseOf } from "../../../operator/domain/status/license.ts";

function pod(cores: number, choice: "normal" | "fallback" | undefined, changes: Partial<PodFact> = {}): PodFact {
  return {
    name: "p",
    uid: "u",
    resourceVersion: "1",
    templateHash: "h",
    createdMs: 0,
    deleting: false,
    ready: true,
    scheduled: true,
    restarts: 0,
    cores,
    vote: "unknown",
    emptyWorker: false,
    check: "unknown",
    ...(choice && { start: { choice, reason: "", finishedMs: 0, absent: [] } }),
    ...changes,
  };
}

test.for<[string, PodFact[], ReturnType<typeof licenseOf>]>([
  ["no pods", [], { cores: 0, normal: 0, fallback: 0 }],
  [
    "pods of either mode",
    [pod(2, "normal"), pod(4, "normal"), pod(3, "fallback")],
    { cores: 9, normal: 6, fallback: 3 },
  ],
  ["a pod that drains still proxies", [pod(2, "normal", { deleting: true })], { cores: 2, normal: 2, fallback: 0 }],
  ["a pod that does not serve", [pod(2, "normal", { ready: false })], { cores: 0, normal: 0, fallback: 0 }],
  ["a pod that has not chosen yet", [pod(2, undefined)], { cores: 0, normal: 0, fallback: 0 }],
])("licensed cores: %s", ([, pods, expected]) => {
  expect(licenseOf(pods)).toEqual(expected);
});
