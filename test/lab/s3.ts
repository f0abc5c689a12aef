/** A real S3 server for tests: versitygw on a folder, with users that may do what their grants say and no more. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, DeleteBucketPolicyCommand, PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "./ports.ts";
import { program, type Server, startServer, temporaryFolder } from "./process.ts";

const REGION = "us-east-1";
const START_LIMIT_MS = 20_000;

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** What one user may do in one bucket: S3 action names (`s3:GetObject`), on all keys or on those of the pattern. */
export interface Grant {
  bucket: string;
  actions: string[];
  /** Object keys, `*` and `?` as wildcards. Default: all. */
  keys?: string;
}

/** The grants that Holdfast's roles need. */
export const grants = {
  /** The exporter: writes, and cannot read back. */
  writeOnly: (bucket: string, keys = "*"): Grant => ({ bucket, keys, actions: ["s3:PutObject"] }),
  /** The traffic pods: read, and cannot list. For a missing key AWS then says 403, this server 404: test both. */
  readOnly: (bucket: string, keys = "*"): Grant => ({ bucket, keys, actions: ["s3:GetObject"] }),
  /** The operator: reads, lists, copies, deletes old generations. */
  operator: (bucket: string, keys = "*"): Grant => ({
    bucket,
    keys,
    actions: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
  }),
};

export interface S3Options<User extends string> {
  buckets: string[];
  users: Record<User, Grant[]>;
  /** Serve `<bucket>.<domain>` as well as `/<bucket>`. The name must lead to 127.0.0.1 for the client that uses it. */
  virtualDomain?: string;
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Default: a free one. */
  port?: number;
}

export interface S3Server<User extends string> {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  region: string;
  /** Owner of all buckets: no policy holds for it. */
  admin: Keys;
  keys: Record<User, Keys>;
  /** For freeze(), resume(), kill(), start(). */
  process: Server;
  /** A client of the official SDK, path style, for preparing and looking at objects. */
  client(keys: Keys): S3Client;
  /** Replaces all grants (e.g. to take a right away from a user while the server runs). */
  grant(users: Record<User, Grant[]>): Promise<void>;
  /** Kills it and starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

/** Statements of the bucket's policy: none when nobody was granted anything. */
function statements(bucket: string, users: Record<string, Grant[]>): object[] {
  return Object.entries(users).flatMap(([user, list]) =>
    list
      .filter((grant) => grant.bucket === bucket)
      .flatMap(({ actions, keys = "*" }) => {
        const onBucket = actions.filter((action) => action === "s3:ListBucket");
        const onObjects = actions.filter((action) => action !== "s3:ListBucket");
        const who = { Effect: "Allow", Principal: { AWS: [accessKeyOf(user)] } };
        return [
          ...(onObjects.length ? [{ ...who, Action: onObjects, Resource: `arn:aws:s3:::${bucket}/${keys}` }] : []),
          ...(onBucket.length ? [{ ...who, Action: onBucket, Resource: `arn:aws:s3:::${bucket}` }] : []),
        ];
      }),
  );
}

const accessKeyOf = (user: string) => `AK${user.toUpperCase()}LAB`;
const keysOf = (user: string): Keys => ({ accessKeyId: accessKeyOf(user), secretAccessKey: `lab-secret-of-${user}` });

function writeUsers(folder: string, users: string[]): void {
  const accounts = users.map((user) => {
    const { accessKeyId, secretAccessKey } = keysOf(user);
    return [accessKeyId, { access: accessKeyId, secret: secretAccessKey, role: "user", userID: 0, groupID: 0 }];
  });
  writeFileSync(join(folder, "users.json"), JSON.stringify({ accessAccounts: Object.fromEntries(accounts) }));
}

/**
 * Starts an S3 server with these buckets and users. A user without a grant is known and may do nothing; other keys get
 * InvalidAccessKeyId.
 */
export async function startS3Server<User extends string>(options: S3Options<User>): Promise<S3Server<User>> {
  const { buckets, users, virtualDomain, host = "127.0.0.1" } = options;
  const names = Object.keys(users) as User[];
  const folder = temporaryFolder("s3");
  const admin = keysOf("admin");
  const port = options.port ?? (await freePort());
  const endpoint = `http://${host}:${port}`;
  for (const name of ["data", "iam"]) mkdirSync(join(folder.path, name));
  writeUsers(join(folder.path, "iam"), names);

  const flags = ["--port", `${host}:${port}`, "--region", REGION, "--iam-dir", join(folder.path, "iam")];
  if (virtualDomain !== undefined) flags.push("--virtual-domain", virtualDomain);
  const server = await startServer(
    "versitygw",
    [program("versitygw"), ...flags, "--health", "/lab-health", "posix", join(folder.path, "data")],
    {
      folder: folder.path,
      env: { ROOT_ACCESS_KEY_ID: admin.accessKeyId, ROOT_SECRET_ACCESS_KEY: admin.secretAccessKey },
      ready: async () => (await fetch(`${endpoint}/lab-health`)).ok,
      readyLimitMs: START_LIMIT_MS,
    },
  );
  const client = (credentials: Keys) =>
    // A copy: the library writes into what it is given.
    new S3Client({ endpoint, region: REGION, credentials: { ...credentials }, forcePathStyle: true, maxAttempts: 1 });
  const owner = client(admin);
  const grant = async (wanted: Record<User, Grant[]>): Promise<void> => {
    for (const bucket of buckets) {
      const list = statements(bucket, wanted);
      const document = JSON.stringify({ Version: "2012-10-17", Statement: list });
      // As on AWS, a policy without a statement is malformed: no rights means no policy.
      if (list.length === 0) await owner.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
      else await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: document }));
    }
  };
  try {
    for (const bucket of buckets) await owner.send(new CreateBucketCommand({ Bucket: bucket }));
    await grant(users);
  } catch (error) {
    await server.kill();
    folder.remove();
    throw error;
  }
  return {
    endpoint,
    region: REGION,
    admin,
    keys: Object.fromEntries(names.map((name) => [name, keysOf(name)])) as Record<User, Keys>,
    process: server,
    client,
    grant,
    restart: async () => {
      await server.kill();
      await server.start();
    },
    stop: async () => {
      owner.destroy();
      await server.stop();
      folder.remove();
    },
  };
}
