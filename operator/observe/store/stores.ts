import { createHash } from "node:crypto";
import { type FallbackStorageSpec, type StorageRole, secretNameOf } from "../../api/fallback-storage.ts";
import type { SecretFact } from "../../domain/facts/facts.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import type { Memory, Sessions } from "../../session.ts";
import { CREDENTIAL_KEYS, parseCredentials } from "../../storage/credentials.ts";
import type { AzureCredentials, S3Credentials, StoreSettings } from "../../storage/settings.ts";
import type { SnapshotStore } from "../../storage/store.ts";
import { keysFingerprint } from "../cluster/keys-fingerprint.ts";
import { type Content, factOf } from "../cluster/secrets.ts";
import { storeOf } from "../gateways/render.ts";

/** Secret of one role: the fact for the domain, and whether its keys can be used by the gateway. */
export function readStorageSecret(spec: FallbackStorageSpec, role: StorageRole, content: Content): SecretFact {
  const name = secretNameOf(spec, role) ?? "";
  const fact = factOf(name, content);
  if (fact.seen !== "present" || content.seen !== "present") return fact;
  const parsed = parseCredentials(spec.type, content.data);
  if (parsed.ok) return { ...fact, fingerprint: keysFingerprint(name, parsed.credentials) };
  const wanted: readonly (readonly string[])[] = Object.values(CREDENTIAL_KEYS[spec.type]);
  const complete = wanted.every((names) => names.some((key) => fact.keys.includes(key)));
  const problem: Problem = {
    reason: complete ? "StorageSecretInvalid" : "StorageSecretMissing",
    field: `FallbackStorage spec.${role}.credentials`,
    message: `Secret "${name}" with the ${role}'s storage keys cannot be used: ${parsed.problem}`,
  };
  return { ...fact, problem };
}

interface Open {
  /** Where it points, without the keys. */
  location: string;
  fingerprint: string;
  store: SnapshotStore;
}

/** One open store per FallbackStorage, for Holdfast's own role; replaced when settings or keys change. */
export class StorePool {
  readonly #make: (settings: StoreSettings) => SnapshotStore;
  readonly #open: Memory<Open>;

  constructor(make: (settings: StoreSettings) => SnapshotStore, sessions: Sessions) {
    this.#make = make;
    this.#open = sessions.memory(({ store }) => store.close());
  }

  /** The store of these settings; undefined when the Secret cannot be used. An unreadable Secret keeps what is open. */
  open(storageKey: string, spec: FallbackStorageSpec, secret: Content, caBundle: string | undefined): Open | undefined {
    const known = this.#open.get(storageKey);
    const settings = secret.seen === "present" ? settingsOf(spec, secret.data, caBundle) : undefined;
    if (!settings) {
      if (secret.seen === "unknown") return known;
      this.#open.delete(storageKey);
      return undefined;
    }
    const fingerprint = fingerprintOf(settings);
    if (known?.fingerprint === fingerprint) return known;
    this.#open.delete(storageKey);
    const opened: Open = { location: locationOf(spec), fingerprint, store: this.#make(settings) };
    this.#open.set(storageKey, opened);
    return opened;
  }

  /** What is open now, for whoever carries out a copy. */
  openOf(storageKey: string): Pick<Open, "store" | "location"> | undefined {
    return this.#open.get(storageKey);
  }

  closeAll(): void {
    this.#open.clear();
  }
}

/** The same for the same place and keys; kept in memory only. */
export const fingerprintOf = (settings: StoreSettings): string =>
  createHash("sha256").update(JSON.stringify(settings)).digest("base64url");

/** How to speak to the store with the keys of this Secret; undefined when they cannot be used. */
export function settingsOf(
  spec: FallbackStorageSpec,
  data: Readonly<Record<string, string>>,
  caBundle: string | undefined,
): StoreSettings | undefined {
  const store = storeOf(spec);
  const parsed = parseCredentials(spec.type, data);
  if (!store || !parsed.ok) return undefined;
  const trust = caBundle === undefined ? {} : { caBundle };
  return store.type === "S3"
    ? { ...store, ...trust, credentials: parsed.credentials as S3Credentials }
    : { ...store, ...trust, credentials: parsed.credentials as AzureCredentials };
}

/**
 * Identity of the place that objects lie in: the same for two FallbackStorages that point to the same buckets, however
 * their endpoints are spelled.
 */
export function locationOf(spec: FallbackStorageSpec): string {
  if (spec.s3) {
    const { region, endpoint, resourceBucket, configBucket } = spec.s3;
    return ["S3", s3Place(region, endpoint), resourceBucket, configBucket].join(" ");
  }
  const { accountName = "", endpoint, resourceContainer = "", configContainer = "" } = spec.azureBlob ?? {};
  const place = endpoint === undefined ? `${accountName}.blob.core.windows.net` : hostAndPath(endpoint);
  return ["AzureBlob", accountName, place, resourceContainer, configContainer].join(" ");
}

/** A bucket's name is one bucket in all of AWS, whichever of its host names is asked. */
function s3Place(region: string, endpoint: string | undefined): string {
  const place = endpoint === undefined ? "" : hostAndPath(endpoint);
  return place === "" || /^s3[.-]([a-z0-9.-]+\.)?amazonaws\.com(\.cn)?$/.test(place) ? `aws:${region}` : place;
}

function hostAndPath(endpoint: string): string {
  try {
    const { host, pathname } = new URL(endpoint);
    return `${host}${pathname}`.replace(/\/+$/, "");
  } catch {
    return endpoint;
  }
}
