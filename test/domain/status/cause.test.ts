/** The Event of each restart names its true cause. */
import { expect, test } from "vitest";
import { healthy, held, inMode, type Loose, planOf } from "../deciding.ts";

const renew = (secret: Loose) => Object.assign(secret, { resourceVersion: "77", fingerprint: "77" });
const spec = (f: Loose) => (f.group.spec.gateway.resources = { limits: { cpu: "7" } });
/** As an older Holdfast wrote it: of the same wish, another template. */
const upgrade = (f: Loose, name = "edge") => {
  const { spec: written, metadata } = f.children.byName.get(`Deployment/${name}`);
  written.template.spec.terminationGracePeriodSeconds = 7;
  metadata.annotations["holdfast.dev/applied-hash"] = "older";
  metadata.annotations["holdfast.dev/template-hash"] = "older";
  if (name === "edge") f.children.traffic.annotations = metadata.annotations;
};
const ask = (f: Loose) => (f.group.annotations = { "holdfast.dev/restart-at": "2026-01-01T00:00:00Z" });
const TRAFFIC = "Deployment edge: ";
const BACKUP = "Deployment edge-backup: ";
const UPGRADED = "this version of Holdfast makes another one of the same spec";
const ASKED_FOR = "; restart-at asks for it now";

test.for<[string, (facts: Loose) => unknown, string[]]>([
  ["the spec", spec, [`${TRAFFIC}the spec changed`, `${BACKUP}the spec changed`]],
  [
    "the spec, in fallback and asked for",
    (f) => [spec(f), ask(f), inMode(f, "Fallback")],
    [`${TRAFFIC}the spec changed${ASKED_FOR}`, `${BACKUP}the spec changed`],
  ],
  [
    "the spec, and asked for without need",
    (f) => [spec(f), ask(f)],
    [`${TRAFFIC}the spec changed`, `${BACKUP}the spec changed`],
  ],
  ["an upgrade, asked for", (f) => [upgrade(f), ask(f)], [`${TRAFFIC}${UPGRADED}${ASKED_FOR}`]],
  ["an upgrade, of the exporter, waits, too", (f) => upgrade(f, "edge-backup"), []],
  [
    "an upgrade, of the exporter, asked for",
    (f) => [upgrade(f, "edge-backup"), ask(f)],
    [`${BACKUP}${UPGRADED}${ASKED_FOR}`],
  ],
  [
    "a certificate",
    (f) => renew(f.secrets.client),
    [`${TRAFFIC}the client certificate was renewed`, `${BACKUP}the client certificate was renewed`],
  ],
  [
    "a certificate and the spec",
    (f) => [renew(f.secrets.client), spec(f)],
    [
      `${TRAFFIC}the spec changed, the client certificate was renewed`,
      `${BACKUP}the spec changed, the client certificate was renewed`,
    ],
  ],
  ["the exporter's keys", (f) => renew(f.secrets.writer), [`${BACKUP}the exporter's keys were renewed`]],
  [
    "the storage",
    (f) => (f.storage.spec.s3.region = "eu-north-1"),
    [
      `${TRAFFIC}the FallbackStorage or the names of its keys changed`,
      `${BACKUP}the FallbackStorage or the names of its keys changed`,
    ],
  ],
  [
    "a hand edit of the exporter",
    (f) => (f.children.byName.get("Deployment/edge-backup").spec.replicas = 0),
    [`${BACKUP}a hand edit is taken back: spec.replicas`],
  ],
  [
    "another owner: no template",
    (f) => (f.group.spec.deletionPolicy = "Delete"),
    [`${TRAFFIC}the spec or this version of Holdfast wants another one around the same pods`],
  ],
  [
    "a roll that the outage broke off",
    (f) => {
      const marks = { "holdfast.dev/inputs-hash": "restored", "holdfast.dev/template-hash": "restored" };
      Object.assign(f.children.byName.get("Deployment/edge").metadata.annotations, marks);
      f.children.traffic.annotations = marks;
    },
    [`${TRAFFIC}the roll that the outage broke off begins anew`],
  ],
])("what a Deployment is written for is the true cause: %s", ([, change, messages]) => {
  const { facts } = healthy();
  change(facts);
  const { steps } = planOf(facts, held(facts, "Reachable", 1_000));
  const told = steps.flatMap(({ events = [] }) => events).filter(({ action }) => action === "Apply");
  expect(told.map(({ message }) => message).toSorted()).toEqual(messages.toSorted());
});

test("an exporter that is made for the first time", () => {
  const { facts } = healthy();
  facts.children.byName.delete("Deployment/edge-backup");
  delete facts.children.backup;
  const { steps } = planOf(facts, held(facts, "Reachable", 1_000));
  const messages = steps.flatMap(({ events = [] }) => events.map(({ message }) => message));
  expect(messages).toEqual([`${BACKUP}the exporter of this group`]);
});
