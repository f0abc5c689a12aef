import { expect, test } from "vitest";
import { isCopy, scalerOf, slimWriters, writerOf } from "../../../operator/observe/cluster/writers.ts";

const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
const replicas = { "f:spec": { "f:replicas": {} } };
const mark = { "f:metadata": { "f:annotations": { "f:holdfast.dev/applied-hash": {} } } };
const entry = (manager: string, second: number, fieldsV1: object = {}, subresource?: string) => ({
  manager,
  operation: "Update",
  time: at(second),
  fieldsType: "FieldsV1",
  fieldsV1,
  ...(subresource === undefined ? {} : { subresource }),
});

const ALL = [
  entry("holdfast", 1, { ...mark, "f:spec": { "f:template": {} } }),
  entry("holdfast-motion", 2, replicas, "scale"),
  entry("kube-controller-manager", 9, { "f:status": {} }, "status"),
  entry("kubectl", 3, { "f:metadata": { "f:labels": { "f:x": {} } } }),
  entry("hpa", 4, replicas, "scale"),
];

test("cached is who else writes and who sets the replicas, without the fields", () => {
  expect(slimWriters(ALL)).toEqual([
    { manager: "holdfast-motion", time: at(2), subresource: "scale", fieldsV1: replicas },
    { manager: "kubectl", time: at(3), fieldsV1: {} },
    { manager: "hpa", time: at(4), subresource: "scale", fieldsV1: replicas },
  ]);
  expect(slimWriters([entry("velero", 5, { ...mark, "f:spec": { "f:replicas": {}, "f:template": {} } })])).toEqual([
    { manager: "velero", time: at(5), fieldsV1: { ...replicas, ...mark } },
  ]);
});

test("from what is cached: who scaled, who wrote, who made a copy", () => {
  const object = (entries: typeof ALL) => ({ name: "edge", generation: 7, managedFields: slimWriters(entries) });
  expect(scalerOf(object(ALL))).toEqual({ scaledBy: "hpa", scaledAt: "7" });
  expect(writerOf(object(ALL)), "a scale writes nothing of the object").toEqual({ manager: "kubectl", at: at(3) });
  expect(isCopy(object(ALL))).toBe(false);
  const restored = object([entry("velero", 5, { ...mark, ...replicas })]);
  expect([writerOf(restored), isCopy(restored)]).toEqual([{ manager: "velero", at: at(5) }, true]);
  const bare = { manager: "hpa", subresource: "scale", fieldsV1: replicas }; // as the scale subresource has it: without a time
  expect(scalerOf(object([bare as never]))).toEqual({ scaledBy: "hpa", scaledAt: "7" });
  const own = object([entry("holdfast-create", 5, mark)]);
  expect([writerOf(own), isCopy(own), scalerOf(own)]).toEqual([undefined, false, {}]);
});
