/** The exported objects in the stage's S3 server, looked at and changed by the owner of the buckets. */
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { BUCKETS, rights } from "./buckets.ts";
import type { Stage } from "./stage.ts";

export type Pair = Record<(typeof BUCKETS)[number], string>;

export async function readPair(stage: Stage, key: string): Promise<Pair> {
  const client = stage.s3.client(stage.s3.admin);
  const read = async (bucket: string) =>
    (await (await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body?.transformToString()) ?? "";
  try {
    return { resources: await read("resources"), config: await read("config") };
  } finally {
    client.destroy();
  }
}

export async function writePair(stage: Stage, key: string, pair: Partial<Pair>): Promise<void> {
  const client = stage.s3.client(stage.s3.admin);
  try {
    for (const [bucket, body] of Object.entries(pair))
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  } finally {
    client.destroy();
  }
}

export async function removePairs(stage: Stage, ...keys: string[]): Promise<void> {
  const client = stage.s3.client(stage.s3.admin);
  try {
    for (const Bucket of BUCKETS) for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket, Key }));
  } finally {
    client.destroy();
  }
}

/** Without its right to write, what stands under the raw key stays, and grows old. */
export const grantExporter = (stage: Stage, may: boolean): Promise<void> => stage.s3.grant(rights(may));

/** When the exporter wrote last, ms since 1970. */
export async function exportedAt(stage: Stage): Promise<number> {
  const client = stage.s3.client(stage.s3.admin);
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket: "resources", Key: "edge-raw" }));
    return head.LastModified?.getTime() ?? 0;
  } finally {
    client.destroy();
  }
}
