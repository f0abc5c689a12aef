import { secretNameOf } from "../../api/fallback-storage.ts";
import { childName } from "../../api/names.ts";
import type { Facts, SecretFact } from "../facts.ts";
import { hashOf } from "../hash.ts";
import { type JsonObject, named, objectAt, textAt } from "../json.ts";
import { configMapOf, gatewayEnvOf, type Live, templateMark } from "./live.ts";

/** One storage key in a container's environment. */
export interface StoreKey {
  env: string;
  secret: string;
  key: string;
}

/** Names of the keys in a Secret, the documented one first; the same as the storage boundary accepts (a test says so). */
export const ACCEPTED_KEYS = {
  accessKeyId: ["accessKeyId", "AWS_ACCESS_KEY_ID"],
  secretAccessKey: ["secretAccessKey", "AWS_SECRET_ACCESS_KEY"],
  accountKey: ["accountKey", "AZURE_STORAGE_KEY"],
} as const;

type KeysOf = readonly (readonly [env: string, accepted: readonly [string, ...string[]]])[];

/**
 * Where the storage keys of a role come from. A Secret may use either accepted name; the one that runs is kept while it
 * is there or cannot be looked at, so that neither an unreadable Secret nor a second name added to it rolls a pod.
 */
export function storeKeys(facts: Facts, role: "reader" | "writer", live: Live | undefined): StoreKey[] {
  const liveEnv = gatewayEnvOf(live?.template);
  const { storage } = facts;
  if (storage.seen !== "present" || (role === "reader" && keepsLiveStorage(facts, live)))
    return allKeys(facts).flatMap(([env]) => liveKey(liveEnv, env) ?? []);
  const secret = secretNameOf(storage.spec, role);
  if (secret === undefined) return [];
  const present = keysIn(facts.secrets[role], secret);
  return (storage.spec.type === "S3" ? s3Keys(facts) : azureKeys(facts)).map(([env, accepted]) => {
    const running = liveKey(liveEnv, env);
    const kept = running?.secret === secret ? running.key : undefined;
    if (present === undefined) return { env, secret, key: kept ?? accepted[0] };
    if (kept !== undefined && present.includes(kept)) return { env, secret, key: kept };
    return { env, secret, key: accepted.find((key) => present.includes(key)) ?? kept ?? accepted[0] };
  });
}

/**
 * A storage that is missing, or that Holdfast could not use yet, rolls no pods that run: a wrong region or bucket must
 * not replace what serves. Where nothing runs there is nothing to keep, and serving does not wait for fallback.
 */
export function keepsLiveStorage({ storage }: Facts, live: Live | undefined): boolean {
  return storage.seen !== "present" || (storage.fault !== undefined && live !== undefined);
}

const s3Keys = ({ rendered: { profile } }: Facts): KeysOf => [
  [profile.env.storeAccessKey, ACCEPTED_KEYS.accessKeyId],
  [profile.env.storeSecretKey, ACCEPTED_KEYS.secretAccessKey],
];
const azureKeys = ({ rendered: { profile } }: Facts): KeysOf => [
  [profile.env.storeAccountKey, ACCEPTED_KEYS.accountKey],
];
const allKeys = (facts: Facts): KeysOf => [...s3Keys(facts), ...azureKeys(facts)];

function liveKey(env: readonly JsonObject[], name: string): StoreKey | undefined {
  const ref = objectAt(named(env, name), "valueFrom", "secretKeyRef");
  const secret = textAt(ref, "name");
  const key = textAt(ref, "key");
  return secret === undefined || key === undefined ? undefined : { env: name, secret, key };
}

function keysIn(fact: SecretFact, name: string): readonly string[] | undefined {
  return fact.seen === "present" && fact.name === name ? fact.keys : undefined;
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

/**
 * Which version of a Secret a template carries. Only a Secret that is there and usable is a reason to start anew: one
 * that is absent, unreadable or broken keeps what runs.
 */
export function secretVersion(fact: SecretFact, live: Live | undefined, annotation: string): string | undefined {
  if (fact.seen === "present" && fact.problem === undefined) return fact.fingerprint ?? fact.resourceVersion;
  return templateMark(live, annotation);
}
