// An object that somebody made from a copy: what Holdfast means in it becomes an apply's, so that it can be taken away.
import { expect, test } from "vitest";
import { takenFromCopies } from "../../../operator/domain/objects/restored-copy.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON
type Loose = any;

const mark = { "f:holdfast.dev/applied-hash": {} };
const restored = (fieldsV1: Loose, manager = "velero-server") => ({ manager, operation: "Update", fieldsV1 });
const withMark = (annotations: Loose = {}, rest: Loose = {}) => ({
  "f:metadata": { "f:annotations": { ".": {}, ...mark, ...annotations } },
  ...rest,
});
const meant = (rest: Loose, kind = "Deployment"): Loose => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "edge", annotations: { "holdfast.dev/applied-hash": "abc", mine: "1" }, labels: { a: "b" } },
  ...rest,
});
const ours = (fieldsV1: Loose) => ({ manager: "holdfast", operation: "Apply", fieldsV1 });

test.for<[string, Loose[]]>([
  ["nobody else", [ours(withMark())]],
  ["somebody who wrote other fields", [ours(withMark()), restored({ "f:metadata": { "f:labels": { "f:x": {} } } })]],
  ["who writes status alone", [{ ...restored(withMark()), subresource: "status" }]],
  ["Holdfast's own POST", [{ ...restored(withMark()), manager: "holdfast-create" }]],
])("no copy: %s", ([, entries]) => {
  expect(takenFromCopies(entries, meant({}))).toBeUndefined();
});

test("the pod spec as a whole, and what Holdfast names; replicas, others' metadata and what was filled in stay", () => {
  const object = meant({
    spec: { strategy: { type: "RollingUpdate" }, template: { metadata: { annotations: { p: "1" } }, spec: {} } },
  });
  const podSpec = { "f:containers": { 'k:{"name":"dropped"}': { ".": {}, "f:image": {} } } };
  const copy = restored(
    withMark(
      { "f:mine": {}, "f:theirs": {} },
      {
        "f:spec": {
          "f:replicas": {},
          "f:progressDeadlineSeconds": {},
          "f:strategy": { "f:type": {}, "f:rollingUpdate": {} },
          "f:template": {
            "f:metadata": { "f:annotations": { "f:p": {}, "f:kubectl.kubernetes.io/restartedAt": {} } },
            "f:spec": podSpec,
          },
        },
      },
    ),
  );
  const status = { manager: "kube-controller-manager", operation: "Update", subresource: "status", fieldsV1: {} };
  expect(takenFromCopies([copy, status], object)).toEqual([
    ours(
      withMark(
        { "f:mine": {} },
        {
          "f:spec": {
            "f:strategy": { "f:type": {} },
            "f:template": { "f:metadata": { "f:annotations": { "f:p": {} } }, "f:spec": podSpec },
          },
        },
      ),
    ),
    restored({
      "f:metadata": { "f:annotations": { "f:theirs": {} } },
      "f:spec": {
        "f:replicas": {},
        "f:progressDeadlineSeconds": {},
        "f:strategy": { "f:rollingUpdate": {} },
        "f:template": { "f:metadata": { "f:annotations": { "f:kubectl.kubernetes.io/restartedAt": {} } } },
      },
    }),
    status,
  ]);
});

test("items of lists by their keys, also where the protocol is the default; a Service keeps what the cluster gave it", () => {
  const object = meant({ spec: { ports: [{ port: 80, name: "http" }] } }, "Service");
  const port = { ".": {}, "f:port": {}, "f:name": {}, "f:nodePort": {} };
  const before = withMark(
    {},
    { "f:spec": { "f:clusterIP": {}, "f:ports": { 'k:{"port":80,"protocol":"TCP"}': port } } },
  );
  const other = withMark({}, { "f:spec": { "f:ports": { 'k:{"port":81,"protocol":"TCP"}': port } } });
  const [applied, ...left] = takenFromCopies([restored(before), restored(other, "kubectl")], object) ?? [];
  const { "f:nodePort": _, ...named } = port;
  expect(applied).toEqual(ours(withMark({}, { "f:spec": { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': named } } })));
  expect(left).toEqual([
    restored({
      "f:spec": { "f:clusterIP": {}, "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { "f:nodePort": {} } } },
    }),
    restored({ "f:spec": { "f:ports": { 'k:{"port":81,"protocol":"TCP"}': port } } }, "kubectl"),
  ]);
});

test("members of a set by their value; and what was applied before stays the apply's", () => {
  const object = meant({ spec: { finalizers: ["kept"] } }, "Thing");
  const copy = restored(withMark({}, { "f:spec": { "f:finalizers": { 'v:"kept"': {}, 'v:"other"': {} } } }));
  expect(takenFromCopies([copy, ours({ "f:data": {} })], object)).toEqual([
    ours(withMark({}, { "f:data": {}, "f:spec": { "f:finalizers": { 'v:"kept"': {} } } })),
    restored({ "f:spec": { "f:finalizers": { 'v:"other"': {} } } }),
  ]);
});
