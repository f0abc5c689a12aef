/** Counts what reached the API server, from its audit log: the honest witness for "zero writes at rest". */
import { readFileSync, writeFileSync } from "node:fs";

/** One finished request that changes something. */
export interface AuditedWrite {
  /** create, update, patch, delete or deletecollection */
  verb: string;
  /** e.g. `system:serviceaccount:holdfast:holdfast` */
  user: string;
  /** Plural with its subresource, e.g. `deployments/scale`. */
  resource: string;
  namespace: string;
  name: string;
  /** HTTP status of the answer. */
  code: number;
  at: Date;
}

interface AuditEvent {
  verb: string;
  user: { username: string };
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number };
  stageTimestamp: string;
}

/** Writes the policy that keeps the log small: finished writes, no bodies. */
export function writeAuditPolicy(path: string): void {
  const rule = { level: "Metadata", verbs: ["create", "update", "patch", "delete", "deletecollection"] };
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived", "ResponseStarted"],
    rules: [rule, { level: "None" }],
  };
  writeFileSync(path, JSON.stringify(policy));
}

/** All writes in the log that `keep` wants, oldest first. */
export function auditedWrites(path: string, keep: (write: AuditedWrite) => boolean = () => true): AuditedWrite[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines
    .slice(0, -1) // what follows the last line end is a line that is still being written, or nothing
    .map((line): AuditedWrite => {
      const event = JSON.parse(line) as AuditEvent;
      const { resource = "", subresource, namespace = "", name = "" } = event.objectRef ?? {};
      return {
        verb: event.verb,
        user: event.user.username,
        resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        namespace,
        name,
        code: event.responseStatus?.code ?? 0,
        at: new Date(event.stageTimestamp),
      };
    })
    .filter(keep);
}
