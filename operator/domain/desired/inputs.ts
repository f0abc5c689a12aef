import { type FallbackStorageSpec, secretNameOf } from "../../api/fallback-storage.ts";
import type { Facts } from "../facts/facts.ts";
import { hashOf } from "../values/hash.ts";
import { MARK } from "./common.ts";
import { type Live, liveInputs } from "./live.ts";
import { hashedKeys, keepsLiveStorage, secretVersion } from "./references.ts";

const DIGITS = 12;

/**
 * Hash of the wishes that the traffic template is made of, as `<spec>.<storage>.<certificate>`. Holdfast's own
 * rendering is not in it: the same wish under a newer Holdfast has the same hash, and so rolls nothing. A part that
 * cannot be seen keeps the live value, so that it neither hides nor fakes a change of the others.
 */
export function inputsHash(facts: Facts, live: Live | undefined): string {
  const [, liveStorage] = liveInputs(live);
  const storage = storageInputs(facts, live);
  return [
    hashOf(specInputs(facts), DIGITS),
    storage === undefined ? (liveStorage ?? "none") : hashOf(storage, DIGITS),
    hashOf(secretVersion(facts.secrets.client, live, MARK.clientCertificate) ?? "none", DIGITS),
  ].join(".");
}

/** The same of the exporter, for the reason of its restarts: `<spec>.<storage>.<certificate>.<keys>`. */
export function backupInputsHash(facts: Facts, live: Live | undefined): string {
  const { storage, secrets, group } = facts;
  const { podTemplate: _, ...traffic } = specInputs(facts);
  const keys = { keys: hashedKeys(facts, "writer", live) };
  const store = storage.seen === "present" ? { ...placeOf(storage.spec), ...keys } : keys;
  return [
    { ...traffic, backup: group.spec.backup },
    store,
    secretVersion(secrets.client, live, MARK.clientCertificate) ?? "none",
    secretVersion(secrets.writer, live, MARK.writerSecret) ?? "none",
  ]
    .map((part) => hashOf(part, DIGITS))
    .join(".");
}

function specInputs({ group: { spec } }: Facts) {
  const { shortID, gateway, controlPlane, traffic, fallback } = spec;
  const { endpoint, serverName, clientCertificateRef } = controlPlane;
  return {
    shortID,
    gateway,
    controlPlane: { endpoint, serverName, clientCertificateRef },
    // Further ports become listeners, by their names.
    listeners: traffic.service.ports.map((port) => `${port.name}:${port.targetPort}/${port.protocol}`).toSorted(),
    drainSeconds: traffic.drainSeconds,
    podTemplate: traffic.podTemplate,
    storageRef: fallback.storageRef,
  };
}

function storageInputs(facts: Facts, live: Live | undefined): object | undefined {
  const { storage } = facts;
  if (storage.seen !== "present" || keepsLiveStorage(facts, live)) return undefined;
  return {
    ...placeOf(storage.spec),
    reader: secretNameOf(storage.spec, "reader"),
    keys: hashedKeys(facts, "reader", live),
  };
}

const placeOf = ({ type, s3, azureBlob }: FallbackStorageSpec) => ({ type, s3, azureBlob });
