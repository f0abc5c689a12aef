import { grants } from "../lab/s3.ts";

/** The stage's S3 server: its buckets, and the users with exactly the rights of their role. */
export const BUCKETS = ["resources", "config"] as const;
export type S3User = "exporter" | "gateway" | "operator";

export const rights = (exporter: boolean) => ({
  exporter: exporter ? BUCKETS.map((bucket) => grants.writeOnly(bucket, "*-raw")) : [],
  gateway: BUCKETS.map((bucket) => grants.readOnly(bucket)),
  operator: BUCKETS.map((bucket) => grants.operator(bucket)),
});
