import { z } from "zod";
import { cel, conditions, immutable, localRef, seconds, storeEndpoint } from "./common.ts";

/** Source of the field set: gateway contract section 1 (aws_s3, azure_blob). What the gateway would ignore is no field. */

const Credentials = z
  .strictObject({
    type: z.literal("SecretKeys").default("SecretKeys").describe("Static keys in a Secret of this namespace."),
    secretRef: localRef(
      "Secret with the keys. S3: accessKeyId and secretAccessKey. AzureBlob: accountKey. It is read again at each validation.",
    ),
  })
  .describe("Keys for one or all roles.");

const role = (who: string) => z.strictObject({ credentials: Credentials }).optional().describe(who);

const bucket = (what: string) =>
  z
    .string()
    .min(3)
    .max(63)
    .regex(/^[a-z0-9][a-z0-9.-]*[a-z0-9]$/)
    .describe(what);
const container = (what: string) =>
  z
    .string()
    .min(3)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .describe(what);

export const S3Spec = z
  .strictObject({
    region: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[a-z0-9-]+$/)
      .describe("Region of both buckets, for example eu-west-1."),
    endpoint: storeEndpoint("s3.endpoint", "URL of an S3-compatible server; leave out for AWS.").optional(),
    forcePathStyle: z
      .boolean()
      .optional()
      .describe(
        "Bucket in the path instead of the host name. Default: true when an endpoint is set. Gateways before 3.9.13 cannot do it.",
      ),
    resourceBucket: bucket("Bucket of the gateway's resources (routes, services, ...)."),
    configBucket: bucket(
      "Bucket of the gateway's configuration. It holds the data-encryption keyring in clear: guard it.",
    ),
  })
  .describe("AWS S3 or an S3-compatible server.")
  .meta(
    cel({
      rule: "self.resourceBucket != self.configBucket",
      message: "resourceBucket and configBucket must differ: both objects have the same key",
    }),
  );

export const AzureBlobSpec = z
  .strictObject({
    accountName: z
      .string()
      .regex(/^[a-z0-9]{3,24}$/)
      .describe("Storage account."),
    endpoint: storeEndpoint(
      "azureBlob.endpoint",
      "URL of the blob service; leave out for https://ACCOUNT.blob.core.windows.net.",
    ).optional(),
    resourceContainer: container("Container of the gateway's resources (routes, services, ...)."),
    configContainer: container(
      "Container of the gateway's configuration. It holds the data-encryption keyring in clear: guard it.",
    ),
  })
  .describe("Azure Blob Storage.")
  .meta(
    cel({
      rule: "self.resourceContainer != self.configContainer",
      message: "resourceContainer and configContainer must differ: both objects have the same key",
    }),
  );

export const FallbackStorageSpec = z
  .strictObject({
    type: z
      .enum(["S3", "AzureBlob"])
      .describe("Which store; exactly the block that it names must be given.")
      .meta(cel(immutable("type"))),
    s3: S3Spec.optional(),
    azureBlob: AzureBlobSpec.optional(),
    keep: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe("How many copies of verified snapshots are kept per group; the oldest are removed."),
    credentials: Credentials.optional().describe("For all roles that have none of their own."),
    writer: role("The exporter's: writes the keys that end in -raw."),
    reader: role("The traffic pods': reads the verified pair, and the candidate pair in rehearsals."),
    operator: role(
      "Holdfast's own: reads the raw pair; reads and writes candidate and verified pairs; reads, writes, lists and removes kept copies.",
    ),
    tls: z
      .strictObject({
        caBundleRef: localRef(
          "ConfigMap with a key ca.crt (PEM). Used for Holdfast's own calls; the gateway has no such field and uses the CAs of its image.",
        ).optional(),
      })
      .optional()
      .describe("Trust for Holdfast's own calls to the store."),
    validationIntervalSeconds: seconds(5, 3600, "How often access is checked and Secrets are read again.").default(60),
  })
  .meta(
    cel(
      {
        rule: "(self.type == 'S3') == has(self.s3)",
        message: "type S3 needs the block s3, and only type S3 may have it",
      },
      {
        rule: "(self.type == 'AzureBlob') == has(self.azureBlob)",
        message: "type AzureBlob needs the block azureBlob, and only type AzureBlob may have it",
      },
      {
        rule: "has(self.credentials) || (has(self.writer) && has(self.reader) && has(self.operator))",
        message: "give credentials for all roles, or writer, reader and operator each with their own",
      },
      {
        rule: "!has(self.s3) || !has(oldSelf.s3) || (self.s3.resourceBucket == oldSelf.s3.resourceBucket && self.s3.configBucket == oldSelf.s3.configBucket)",
        message: "buckets cannot be changed: create a new FallbackStorage and point the GatewayGroup to it",
      },
      {
        rule: "!has(self.azureBlob) || !has(oldSelf.azureBlob) || (self.azureBlob.accountName == oldSelf.azureBlob.accountName && self.azureBlob.resourceContainer == oldSelf.azureBlob.resourceContainer && self.azureBlob.configContainer == oldSelf.azureBlob.configContainer)",
        message:
          "account and containers cannot be changed: create a new FallbackStorage and point the GatewayGroup to it",
      },
    ),
  );
export type FallbackStorageSpec = z.infer<typeof FallbackStorageSpec>;

export const FallbackStorageStatus = z.strictObject({
  observedGeneration: z.int().min(-1).default(-1).describe("The generation of the spec that this status speaks of."),
  summary: z.string().max(1024).optional().describe("The state in one sentence."),
  conditions: conditions(),
});
export type FallbackStorageStatus = z.infer<typeof FallbackStorageStatus>;

export const STORAGE_ROLES = ["writer", "reader", "operator"] as const;
export type StorageRole = (typeof STORAGE_ROLES)[number];

/** The Secret of a role: its own credentials, else those for all. The CEL rules make sure that there is one. */
export function secretNameOf(spec: FallbackStorageSpec, who: StorageRole): string | undefined {
  return (spec[who]?.credentials ?? spec.credentials)?.secretRef.name;
}
