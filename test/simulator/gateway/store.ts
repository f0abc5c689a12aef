import type { FallbackConfig } from "./config.ts";
import { type Settings, speaksPathStyle } from "./settings.ts";

/** The two objects of a snapshot. Rejects with whatever the store's client says: a gateway has no better idea of it. */
export interface Store {
  read(bucket: "resource" | "config", key: string): Promise<string>;
  write(bucket: "resource" | "config", key: string, body: string): Promise<void>;
}

/** The SDKs are loaded only by who needs them: a normal gateway starts without. */
export function openStore(config: FallbackConfig, settings: Settings): Promise<Store> {
  if (config.aws_s3 !== undefined) return openS3(config.aws_s3, settings);
  if (config.azure_blob !== undefined) return openAzure(config.azure_blob);
  throw new Error("fallback_cp names no store");
}

async function openS3(s3: NonNullable<FallbackConfig["aws_s3"]>, settings: Settings): Promise<Store> {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({
    region: s3.region,
    maxAttempts: 1,
    forcePathStyle: s3.use_path_style && speaksPathStyle(settings.version),
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(s3.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
    // Both keys or none: none is the default chain, which finds a web identity or an instance role.
    ...(s3.access_key !== undefined && s3.secret_key !== undefined
      ? { credentials: { accessKeyId: s3.access_key, secretAccessKey: s3.secret_key } }
      : {}),
  });
  const name = { resource: s3.resource_bucket, config: s3.config_bucket };
  return {
    async read(bucket, key) {
      const answer = await client.send(new GetObjectCommand({ Bucket: name[bucket], Key: key }));
      return (await answer.Body?.transformToString()) ?? "";
    },
    async write(bucket, key, body) {
      await client.send(new PutObjectCommand({ Bucket: name[bucket], Key: key, Body: body }));
    },
  };
}

async function openAzure(azure: NonNullable<FallbackConfig["azure_blob"]>): Promise<Store> {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import("@azure/storage-blob");
  if (azure.account_key === undefined) throw new Error("the simulator speaks to Azure with an account_key only");
  const client = new BlobServiceClient(
    azure.endpoint ?? `https://${azure.account_name}.blob.core.windows.net`,
    new StorageSharedKeyCredential(azure.account_name, azure.account_key),
    { retryOptions: { maxTries: 1 } },
  );
  const name = { resource: azure.resource_container, config: azure.config_container };
  const blob = (bucket: "resource" | "config", key: string) =>
    client.getContainerClient(name[bucket]).getBlockBlobClient(key);
  return {
    async read(bucket, key) {
      return (await blob(bucket, key).downloadToBuffer()).toString("utf8");
    },
    async write(bucket, key, body) {
      await blob(bucket, key).upload(body, Buffer.byteLength(body));
    },
  };
}
