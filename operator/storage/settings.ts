/** What a store needs to know; plain values, already resolved from a FallbackStorage and its Secrets. */

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface AzureCredentials {
  /** Base64, as the portal shows it. */
  accountKey: string;
}

export interface S3Settings {
  type: "S3";
  region: string;
  /** `https://host[:port]`; absent = AWS. */
  endpoint?: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  forcePathStyle: boolean;
  resourceBucket: string;
  configBucket: string;
  credentials: S3Credentials;
  /** PEM; trusted in addition to the public authorities. */
  caBundle?: string;
}

export interface AzureBlobSettings {
  type: "AzureBlob";
  accountName: string;
  /** Absent = `https://<accountName>.blob.core.windows.net`. */
  endpoint?: string;
  resourceContainer: string;
  configContainer: string;
  credentials: AzureCredentials;
  /** PEM; trusted in addition to the public authorities. */
  caBundle?: string;
}

export type StoreSettings = S3Settings | AzureBlobSettings;
export type StoreType = StoreSettings["type"];
