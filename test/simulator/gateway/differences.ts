/**
 * Ways in which a gateway could do otherwise than is assumed, one for each fact that `hack/conformance` asks: SIM_DIFFERS names
 * them, by commas. None of them was seen on a real one.
 */
export const DIFFERENCES = {
  "exporter-config-first": "writes the configuration object before the resource object",
  "exporter-once": "exports once and never again",
  "exporter-odd-shape": "writes a configuration object without its payload",
  "exporter-drops-one": "leaves one route out of the export",
  "exporter-empties": "exports emptiness while the control plane is gone",
  "exporter-listens": "opens its http and https ports as an exporter, too",
  "backup-as-standard": "its heartbeats as an exporter say that it is a standard gateway",
  "reader-polls": "reads the snapshot again each 5 s",
  "reader-drops-one": "loads one route less than the snapshot holds",
  "reader-serves-nothing": "answers 404 to all as a reader, whatever it has loaded",
  "reader-starts-empty": "starts with nothing where the object is missing",
  "reader-ready": "/status/ready says 200 as a reader",
  "reader-keeps-unknown-plugins": "keeps items whose plugin is not in the snapshot's list",
  "ignores-unset": "takes a variable that is not set for an empty text, in config.yaml and in a snapshot",
  "starts-without-control-plane": "starts, with nothing, while nobody answers",
  "starts-without-reads": "starts, with nothing, while reads fail",
  "starts-without-heartbeat": "starts although its heartbeats are refused",
  "metric-stuck": "apisix_etcd_reachable stays 1",
  "never-ready": "/status/ready says 503 whatever the control plane does",
  "no-status": "there is no /status",
  "control-api-empty": "the control API of a normal gateway lists nothing",
  "no-client-certificate": "shows no client certificate",
  "forgets-in-outage": "drops what it has when the control plane is lost",
  "cuts-at-end": "SIGQUIT cuts what is under way",
  "refuses-admin-list": "does not start on an empty list of admin keys",
  "refuses-trusted-list": "does not start on a list in ssl_trusted_certificate",
  "refuses-http2": "does not start on enable_http2 of a listener",
  "refuses-dictionaries": "does not start on custom_lua_shared_dict",
  "refuses-ca-directory": "does not start where conf/ssl is a mounted directory",
} as const;
export type Difference = keyof typeof DIFFERENCES;

/** Throws on a name that does not exist: a test that asks for it would show nothing. */
export function readDifferences(text: string | undefined): Difference[] {
  const names = (text ?? "").split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !Object.hasOwn(DIFFERENCES, name));
  if (unknown !== undefined) throw new Error(`SIM_DIFFERS knows no "${unknown}"`);
  return names as Difference[];
}
