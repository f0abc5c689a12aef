export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Record<string, unknown>;

/** One JSON object per line: ts, level, msg, then the fields. No method ever throws. */
export interface Log {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** A log whose lines carry these fields, too. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  level?: LogLevel;
  write?: (line: string) => void;
  now?: () => Date;
  fields?: LogFields;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(options: LogOptions = {}): Log {
  const threshold = RANK[options.level ?? "info"];
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const now = options.now ?? (() => new Date());
  const bound = options.fields ?? {};
  const emit = (level: LogLevel, msg: string, fields: LogFields = {}) => {
    if (RANK[level] < threshold) return;
    const line = { ts: now().toISOString(), level, msg: redactText(msg) };
    let text = "";
    try {
      const safe = redact({ ...bound, ...fields }, level === "error") as LogFields;
      text = JSON.stringify({ ...line, ...safe });
    } catch {
      text = JSON.stringify({ ...line, logProblem: "the fields of this line cannot be shown" });
    }
    try {
      write(`${text}\n`);
    } catch {
      // A log that cannot be written must not stop what it tells about.
    }
  };
  return {
    debug: (msg, fields) => emit("debug", msg, fields),
    info: (msg, fields) => emit("info", msg, fields),
    warn: (msg, fields) => emit("warn", msg, fields),
    error: (msg, fields) => emit("error", msg, fields),
    child: (fields) => createLog({ ...options, fields: { ...bound, ...fields } }),
  };
}

const REDACTED = "[redacted]";
const DEPTH_MAX = 6;
const ITEMS_MAX = 50;
const TEXT_MAX_CHARS = 4096;

// Compared with the end of the name, letters and digits only: `tls.key`, `S3_SECRET_KEY` and `accountKey` all match,
// `secretRef` and `tokenFile`, which only say where a secret lies, do not.
const SECRET_NAME =
  /(secret|password|passwd|passphrase|token|key|keyid|authorization|connectionstring|credentials?|cookie|signature|sas)$/;
const PUBLIC_NAMES = new Set(["objectkey"]); // the path of an object in a store

function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, "");
  return SECRET_NAME.test(plain) && !PUBLIC_NAMES.has(plain);
}

// What gives itself away inside a text, for instance in the message of somebody else's error.
const SECRET_TEXTS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [
    /\b(AccountKey|SharedAccessSignature|SharedAccessKey|sig|X-Amz-Signature|X-Amz-Security-Token)=[^&;\s"']+/gi,
    `$1=${REDACTED}`,
  ],
  [/(:\/\/[^/\s:@]+:)[^/\s@]+@/g, `$1${REDACTED}@`],
];

export function redactText(text: string): string {
  let safe = text.length > TEXT_MAX_CHARS ? `${text.slice(0, TEXT_MAX_CHARS)}...` : text;
  for (const [pattern, replacement] of SECRET_TEXTS) safe = safe.replace(pattern, replacement);
  return safe;
}

/** A copy that can be serialized and shown: secrets by field name, depth, width and cycles taken care of. */
export function redact(value: unknown, withStacks = false, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return "[deep]"; // also what ends a cycle
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (value instanceof Error) return describeError(value, withStacks, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => redact(item, withStacks, depth + 1));
  if (value instanceof Map || value instanceof Set) return redact([...value], withStacks, depth);
  return redactRecord(value as Record<string, unknown>, withStacks, depth);
}

function redactRecord(record: Record<string, unknown>, withStacks: boolean, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  const isSecretObject = record["kind"] === "Secret";
  for (const name of Object.keys(record).slice(0, ITEMS_MAX)) {
    const hidden = isSecretName(name) || (isSecretObject && (name === "data" || name === "stringData"));
    const value = readSafely(record, name);
    safe[name] = hidden && value !== undefined && value !== null ? REDACTED : redact(value, withStacks, depth + 1);
  }
  return safe;
}

function readSafely(record: Record<string, unknown>, name: string): unknown {
  try {
    return record[name];
  } catch {
    return "[unreadable]";
  }
}

function describeError(error: Error, withStacks: boolean, depth: number): Record<string, unknown> {
  const fault = (error as { fault?: unknown }).fault;
  return {
    name: error.name,
    message: redactText(error.message),
    ...(typeof fault === "string" ? { fault } : {}),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, false, depth + 1) }),
    // An error with a fault is an expected one: its text says it all. Of others the place is needed.
    ...(withStacks && typeof fault !== "string" && error.stack ? { stack: redactText(error.stack) } : {}),
  };
}
