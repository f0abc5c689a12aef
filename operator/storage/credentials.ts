/**
 * Credentials out of a Secret's data (already decoded). The operator could live with more than the gateway can; what
 * the gateway would misread is refused here, because the same Secret feeds both and the gateway's own failure is mute.
 */
import type { AzureCredentials, S3Credentials, StoreType } from "./settings.ts";

export type Parsed<T> = { ok: true; credentials: T } | { ok: false; problem: string };

/** Accepted names in a Secret, the documented one first. */
export const CREDENTIAL_KEYS = {
  S3: {
    accessKeyId: ["accessKeyId", "AWS_ACCESS_KEY_ID"],
    secretAccessKey: ["secretAccessKey", "AWS_SECRET_ACCESS_KEY"],
  },
  AzureBlob: { accountKey: ["accountKey", "AZURE_STORAGE_KEY"] },
} as const;

const SESSION_TOKEN_KEYS = ["sessionToken", "AWS_SESSION_TOKEN"];
const NAMES_SHOWN_MAX = 20;

type Data = Readonly<Record<string, string>>;

/** A problem names the Secret's keys, never a value: its text goes into conditions and events as it is. */
export function parseCredentials(type: "S3", data: Data): Parsed<S3Credentials>;
export function parseCredentials(type: "AzureBlob", data: Data): Parsed<AzureCredentials>;
export function parseCredentials(type: StoreType, data: Data): Parsed<S3Credentials> | Parsed<AzureCredentials>;
export function parseCredentials(type: StoreType, data: Data): Parsed<S3Credentials> | Parsed<AzureCredentials> {
  return type === "S3" ? parseS3(data) : parseAzure(data);
}

function parseS3(data: Data): Parsed<S3Credentials> {
  const token = SESSION_TOKEN_KEYS.find((name) => data[name]);
  if (token !== undefined) {
    // The gateway's configuration has no field for it, so the signed requests of exporter and reader would be refused.
    return problem(`key "${token}" is a session token: the gateway ignores it, use a long-lived access key`);
  }
  const id = pick(data, CREDENTIAL_KEYS.S3.accessKeyId);
  if (!id.ok) return id;
  const secret = pick(data, CREDENTIAL_KEYS.S3.secretAccessKey);
  if (!secret.ok) return secret;
  return { ok: true, credentials: { accessKeyId: id.value, secretAccessKey: secret.value } };
}

function parseAzure(data: Data): Parsed<AzureCredentials> {
  const key = pick(data, CREDENTIAL_KEYS.AzureBlob.accountKey);
  if (!key.ok) return key;
  if (!BASE64.test(key.value) || key.value.length % 4 !== 0) {
    return problem(
      `key "${key.name}" is not base64: use the account's access key as the portal shows it, ` +
        "not a connection string and not a shared access signature",
    );
  }
  return { ok: true, credentials: { accountKey: key.value } };
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

type Picked = { ok: true; name: string; value: string } | { ok: false; problem: string };

function pick(data: Data, names: readonly string[]): Picked {
  const present = names.filter((name) => data[name] !== undefined);
  const [name, other] = present;
  if (name === undefined) return problem(`key ${names.map(quote).join(" or ")} is missing: add it; ${namesIn(data)}`);
  const value = data[name] ?? "";
  if (other !== undefined && data[other] !== value) {
    return problem(`keys ${quote(name)} and ${quote(other)} differ: keep one of them`);
  }
  if (value === "") return problem(`key "${name}" is empty: put the key's text there`);
  if (/[\r\n]$/.test(value)) {
    return problem(
      `key "${name}" ends with a line break: write it without one (echo -n, or kubectl create secret --from-literal)`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(value)) {
    return problem(
      `key "${name}" holds blanks or characters outside printable ASCII, which no storage key does: write the key alone`,
    );
  }
  if (value.includes("${{")) {
    return problem(`key "${name}" holds "\${{", which the gateway takes for one of its variables: use another key`);
  }
  return { ok: true, name, value };
}

function problem(text: string): { ok: false; problem: string } {
  return { ok: false, problem: text };
}

function quote(name: string): string {
  return `"${name}"`;
}

function namesIn(data: Data): string {
  const names = Object.keys(data).sort();
  if (names.length === 0) return "the Secret has no keys";
  const more = names.length > NAMES_SHOWN_MAX ? ` and ${names.length - NAMES_SHOWN_MAX} more` : "";
  return `the Secret has ${names.slice(0, NAMES_SHOWN_MAX).map(quote).join(", ")}${more}`;
}
