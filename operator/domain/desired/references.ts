import { secretNameOf } from "../../api/fallback-storage.ts";
import { childName } from "../../api/names.ts";
import type { Facts, SecretFact } from "../facts/facts.ts";
import { hashOf } from "../values/hash.ts";
import { type JsonObject, named, objectAt, textAt } from "../values/json.ts";
import { configMapOf, gatewayEnvOf, type Live, storeVolumeOf, templateMark } from "./live.ts";

/**
 * The Secret with the storage keys of a role; undefined where there is none. `choose` reads either of the accepted names
 * out of it, so what is in it changes no template.
 */
export function storeSecret(facts: Facts, role: "reader" | "writer", live: Live | undefined): string | undefined {
  const { storage } = facts;
  if (storage.seen !== "present" || (role === "reader" && keepsLiveStorage(facts, live)))
    return storeSecretIn(live?.template);
  return secretNameOf(storage.spec, role);
}

/** Holdfast 0.1 handed the keys on in the gateway's environment; pods that it made run on. */
const KEY_ENV = "HOLDFAST_STORE_";

function storeSecretIn(template: JsonObject | undefined): string | undefined {
  const mounted = textAt(storeVolumeOf(template), "secret", "secretName");
  const byEnv = gatewayEnvOf(template).find((item) => String(item["name"]).startsWith(KEY_ENV));
  return mounted ?? textAt(byEnv, "valueFrom", "secretKeyRef", "name");
}

/** What the hash of the inputs holds of these keys: with the names that it always held, an upgrade changes no hash. */
export function hashedKeys(facts: Facts, role: "reader" | "writer", live: Live | undefined): object[] {
  const { storage } = facts;
  const secret = storeSecret(facts, role, live);
  if (storage.seen !== "present" || secret === undefined) return [];
  return HASHED[storage.spec.type].map(([env, key]) => {
    const before = objectAt(named(gatewayEnvOf(live?.template), env), "valueFrom", "secretKeyRef");
    return { env, secret, key: (before["name"] === secret ? textAt(before, "key") : undefined) ?? key };
  });
}
const HASHED = {
  S3: [
    [`${KEY_ENV}ACCESS_KEY`, "accessKeyId"],
    [`${KEY_ENV}SECRET_KEY`, "secretAccessKey"],
  ],
  AzureBlob: [[`${KEY_ENV}ACCOUNT_KEY`, "accountKey"]],
} as const;

/**
 * A storage that is missing, or that Holdfast could not use yet, rolls no pods that run: a wrong region or bucket must
 * not replace what serves. Where nothing runs there is nothing to keep, and serving does not wait for fallback.
 */
export function keepsLiveStorage({ storage }: Facts, live: Live | undefined): boolean {
  return storage.seen !== "present" || (storage.fault !== undefined && live !== undefined);
}

/** Names of the rendered ConfigMaps; what could not be rendered stays what runs. */
export interface ConfigNames {
  normal?: string;
  reader?: string;
  exporter?: string;
}
const CONFIG_HASH_DIGITS = 12;
export const contentHash = (text: string): string => hashOf(text, CONFIG_HASH_DIGITS);

export function configNames(facts: Facts, live: Live | undefined): ConfigNames {
  const { rendered, group } = facts;
  const nameOf = (text: string | undefined, make: (group: string, hash: string) => string): string | undefined =>
    text === undefined ? undefined : make(group.name, contentHash(text));
  const normal = nameOf(rendered.normal, childName.normalConfig) ?? configMapOf(live?.template, "normal");
  const seen = keepsLiveStorage(facts, live) ? undefined : rendered.reader;
  const reader = nameOf(seen, childName.readerConfig) ?? configMapOf(live?.template, "fallback");
  const exporter = nameOf(rendered.exporter, childName.exporterConfig);
  return {
    ...(normal === undefined ? {} : { normal }),
    ...(reader === undefined ? {} : { reader }),
    ...(exporter === undefined ? {} : { exporter }),
  };
}

/** By its content where that is known: an annotation or a label on a Secret is no renewal. */
export const contentVersion = (fact: Extract<SecretFact, { seen: "present" }>): string =>
  fact.fingerprint ?? fact.resourceVersion;

/**
 * Which version of a Secret a template carries. Only a Secret that is there and usable is a reason to start anew: one
 * that is absent, unreadable or broken keeps what runs.
 */
export function secretVersion(fact: SecretFact, live: Live | undefined, annotation: string): string | undefined {
  const written = templateMark(live, annotation);
  if (fact.seen !== "present" || fact.problem !== undefined) return written;
  // Earlier versions wrote the resourceVersion. It is the same Secret still: another name for it restarts nothing.
  return written === fact.resourceVersion ? written : contentVersion(fact);
}
