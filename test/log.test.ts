import { expect, test } from "vitest";
import { createLog, type LogFields, type LogOptions } from "../operator/log.ts";

function bench(options: LogOptions = {}) {
  const lines: string[] = [];
  const log = createLog({
    write: (line) => lines.push(line),
    now: () => new Date("2026-01-02T03:04:05.678Z"),
    ...options,
  });
  const last = () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown>;
  return { log, lines, last };
}

test("a line is one JSON object with time, level, message and fields", () => {
  const { log, lines } = bench({ fields: { app: "holdfast" } });
  log.child({ group: "ns/edge" }).info("mode moved", { mode: "Fallback", pods: 3 });
  expect(lines).toEqual([
    '{"ts":"2026-01-02T03:04:05.678Z","level":"info","msg":"mode moved","app":"holdfast","group":"ns/edge","mode":"Fallback","pods":3}\n',
  ]);
});

test.for([
  ["debug", 4],
  ["info", 3],
  ["warn", 2],
  ["error", 1],
] as const)("at level %s, %i of 4 lines are written", ([level, count]) => {
  const { log, lines } = bench({ level });
  for (const name of ["debug", "info", "warn", "error"] as const) log[name]("x");
  expect(lines.length).toBe(count);
});

const HIDDEN = [
  ...["secret", "password", "dbPassword", "token", "sessionToken", "key", "tls.key", "accessKey", "accessKeyId"],
  ...[
    "secret_key",
    "S3_SECRET_ACCESS_KEY",
    "accountKey",
    "Authorization",
    "connectionString",
    "credentials",
    "set-cookie",
  ],
  ...["X-Amz-Signature", "sas", "passphrase", "clientSecret"],
];
test.for(HIDDEN)("a field named %s is redacted, wherever it stands", (name) => {
  const { log, lines } = bench();
  log.error("x", { [name]: "hunter2", deep: [{ inner: { [name]: { part: "hunter2" } } }] });
  expect(lines[0]).not.toContain("hunter2");
  expect(lines[0]).toContain("[redacted]");
});

test.for(["secretRef", "secretName", "tokenFile", "keys", "objectKey", "namespace", "monkeys", "reason"])(
  "a field named %s says only where something is: it is shown",
  (name) => {
    const { log, last } = bench();
    log.info("x", { [name]: "gw-s3" });
    expect(last()[name]).toBe("gw-s3");
  },
);

test.for<[string, unknown, string]>([
  ["a bearer token in a message", new Error("401 for Bearer abcdefghijkl.mnop"), "401 for Bearer [redacted]"],
  ["a password in a URL", "https://user:hunter2@host/x", "https://user:[redacted]@host/x"],
  ["a connection string", "AccountName=a;AccountKey=hunter2==;End=x", "AccountName=a;AccountKey=[redacted];End=x"],
  ["a signed URL", "https://h/c?sv=1&sig=hunter2%2F&se=2", "https://h/c?sv=1&sig=[redacted]&se=2"],
  ["a private key", "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\n", "[redacted]\n"],
])("what gives itself away in a text is redacted: %s", ([, value, shown]) => {
  const { log, lines, last } = bench();
  log.warn("x", { value });
  expect(lines[0]).not.toContain("hunter2");
  const got = last()["value"];
  expect(typeof got === "string" ? got : (got as { message: string }).message).toBe(shown);
});

test("a Secret's data is never shown, its name is", () => {
  const { log, lines } = bench();
  log.info("x", { object: { kind: "Secret", metadata: { name: "gw-s3" }, data: { user: "aHVudGVyMg==" } } });
  expect(lines[0]).toContain("gw-s3");
  expect(lines[0]).not.toContain("aHVudGVyMg");
});

const cycle: LogFields = {};
cycle["self"] = cycle;
test.for<[string, LogFields]>([
  ["a cycle", cycle],
  [
    "a getter that throws",
    Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    }),
  ],
  ["a BigInt, a symbol, a function", { a: 1n, b: Symbol("s"), c: () => 1 }],
  [
    "toJSON that throws",
    {
      a: {
        toJSON: () => {
          throw new Error("no");
        },
      },
    },
  ],
  ["an invalid date", { a: new Date("nope") }],
  ["a huge buffer", { a: Buffer.alloc(1_000_000) }],
  ["very many items", { a: Array.from({ length: 100_000 }, (_, n) => n) }],
  ["undefined and null", { a: undefined, b: null }],
])("never throws and stays short: %s", ([, fields]) => {
  const { log, lines } = bench();
  log.info("x", fields);
  expect(lines.length).toBe(1);
  expect(lines[0]?.length).toBeLessThan(10_000);
});

test("a log that cannot be written harms nobody", () => {
  const { log } = bench({
    write: () => {
      throw new Error("EPIPE");
    },
  });
  expect(() => log.error("x")).not.toThrow();
});

test("an error tells its message and causes; its stack only at level error, and only where it has no fault", () => {
  const { log, last } = bench();
  const cause = new Error("connect ECONNREFUSED");
  log.warn("x", { error: new Error("outer", { cause }) });
  expect(last()["error"]).toEqual({
    name: "Error",
    message: "outer",
    cause: { name: "Error", message: "connect ECONNREFUSED" },
  });
  log.error("x", { error: new TypeError("bug") });
  expect(last()["error"]).toMatchObject({
    name: "TypeError",
    message: "bug",
    stack: expect.stringContaining("log.test.ts"),
  });
  log.error("x", { error: Object.assign(new Error("expected"), { fault: "NotFound" }) });
  expect(last()["error"]).toEqual({ name: "Error", message: "expected", fault: "NotFound" });
});
