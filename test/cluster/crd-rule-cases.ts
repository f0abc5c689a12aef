/**
 * Every CEL rule with what it accepts and what it refuses. `rule` is the rule's message. `from` is the spec that
 * stands before an update; without it the object is created.
 */
import { AZURE, type Kind } from "./crd-samples.ts";

export interface RuleCase {
  rule: string;
  kind: Kind;
  sentence: string;
  accepted: boolean;
  name?: string;
  /** Merged into the shortest spec. */
  spec?: Record<string, unknown>;
  from?: Record<string, unknown>;
}

const group = (rule: string, rows: [boolean, string, Partial<RuleCase>][]): RuleCase[] =>
  rows.map(([accepted, sentence, more]) => ({ rule, kind: "GatewayGroup", accepted, sentence, ...more }));
const storage = (rule: string, rows: [boolean, string, Partial<RuleCase>][]): RuleCase[] =>
  group(rule, rows).map((row) => ({ ...row, kind: "FallbackStorage" }));

const port = (name: string, number: number, protocol = "TCP", more = {}) => ({
  name,
  port: number,
  targetPort: 9080,
  protocol,
  ...more,
});
const service = (spec: object) => ({ spec: { traffic: { service: spec } } });
const surge = (maxSurge: number | string) => ({ spec: { fallback: { rollout: { maxSurge } } } });
const controlPlane = (endpoint: string) => ({ spec: { controlPlane: { endpoint } } });
const s3Endpoint = (endpoint: string) => ({ spec: { s3: { endpoint } } });
const azureEndpoint = (endpoint: string) => ({ spec: { ...AZURE, azureBlob: { ...AZURE.azureBlob, endpoint } } });
const key = (name: string) => ({ credentials: { secretRef: { name } } });
const keys = { writer: key("w"), reader: key("r"), operator: key("o") };

export const RULE_CASES: readonly RuleCase[] = [
  ...group("metadata.name must be at most 40 characters: child objects add to it", [
    [true, "a name of 40 characters", { name: "a".repeat(40) }],
    [false, "a name of 41 characters", { name: "a".repeat(41) }],
  ]),
  ...group("metadata.name must be a DNS-1035 label: lower case letters, digits and -, starting with a letter", [
    [true, "a name with digits and dashes", { name: "edge-2-eu" }],
    [false, "a name that starts with a digit", { name: "2-edge" }],
    [false, "a name with a dot", { name: "edge.eu" }],
  ]),
  ...group("shortID cannot be changed: create a new object with another name instead", [
    [true, "another image, the same shortID", { from: {}, spec: { gateway: { image: "gateway:3.9.4" } } }],
    [false, "another shortID", { from: {}, spec: { shortID: "other" } }],
  ]),
  ...group(
    "shortID must not end in -raw, -candidate, -owner or -gen- and 12 hexadecimal digits: Holdfast keeps objects of its own under these keys",
    [
      [true, "a shortID with -raw in the middle", { spec: { shortID: "a-raw-b" } }],
      [true, "the shortID raw", { spec: { shortID: "raw" } }],
      [true, "a shortID that ends in -gen- and another word", { spec: { shortID: "edge-gen-next" } }],
      [false, "a shortID that ends in -owner", { spec: { shortID: "edge-owner" } }],
      [false, "a shortID that ends as a kept copy's key", { spec: { shortID: "edge-gen-0123456789ab" } }],
      [false, "a shortID that ends in -raw", { spec: { shortID: "edge-raw" } }],
      [false, "a shortID that ends in -candidate", { spec: { shortID: "edge-candidate" } }],
    ],
  ),
  ...group("loadBalancerClass needs type LoadBalancer", [
    [true, "a class on a LoadBalancer", service({ type: "LoadBalancer", loadBalancerClass: "acme.io/nlb" })],
    [false, "a class on the default type", service({ loadBalancerClass: "acme.io/nlb" })],
    [false, "a class on a NodePort", service({ type: "NodePort", loadBalancerClass: "acme.io/nlb" })],
  ]),
  ...group("externalTrafficPolicy needs type NodePort or LoadBalancer", [
    [true, "Local on a NodePort", service({ type: "NodePort", externalTrafficPolicy: "Local" })],
    [true, "Local on a LoadBalancer", service({ type: "LoadBalancer", externalTrafficPolicy: "Local" })],
    [false, "Local on the default type", service({ externalTrafficPolicy: "Local" })],
  ]),
  ...group("nodePort needs type NodePort or LoadBalancer", [
    [
      true,
      "a node port on a NodePort",
      service({ type: "NodePort", ports: [port("a", 80, "TCP", { nodePort: 30080 })] }),
    ],
    [false, "a node port on the default type", service({ ports: [port("a", 80, "TCP", { nodePort: 30080 })] })],
  ]),
  ...group("each port may be listed once per protocol", [
    [true, "the same port for TCP and UDP", service({ ports: [port("a", 443), port("b", 443, "UDP")] })],
    [false, "the same port twice", service({ ports: [port("a", 443), port("b", 443)] })],
  ]),
  ...group("maxSurge must not be 0: a move starts new pods before it ends old ones", [
    [true, "a surge of 1", surge(1)],
    [true, "a surge of 1%", surge("1%")],
    [false, "a surge of 0", surge(0)],
    [false, "a surge of 0%", surge("0%")],
  ]),
  ...group(
    "the endpoint must be https://HOST or https://HOST:PORT: no path, no query, and no credentials, which belong in the Secret",
    [
      [true, "a host with a port", controlPlane("https://dp-manager.api7.svc:7943")],
      [true, "an IPv6 address", controlPlane("https://[fd00::1]:7943")],
      [false, "a user and a password", controlPlane("https://KEY:s3cr3t@dp:7943")],
      [false, "a user alone", controlPlane("https://s3cr3t@dp:7943")],
      [false, "a query", controlPlane("https://dp:7943?token=s3cr3t")],
      [false, "a query behind a path", controlPlane("https://dp:7943/?token=s3cr3t")],
      [false, "a path", controlPlane("https://dp:7943/s3cr3t")],
      [false, "a fragment", controlPlane("https://dp:7943#s3cr3t")],
      [false, "white space", controlPlane("https://dp:79 43")],
    ],
  ),
  ...storage(
    "s3.endpoint must have no user name, password, query or fragment: keys belong in the Secret of spec.credentials",
    [
      [true, "an S3 server with a port and a path", s3Endpoint("http://minio.acme.svc:9000/base/")],
      [false, "S3: a key pair", s3Endpoint("https://AKIA:s3cr3t@minio:9000")],
      [false, "S3: a key alone", s3Endpoint("https://s3cr3t@minio:9000")],
      [false, "S3: a signature", s3Endpoint("https://minio:9000/?X-Amz-Signature=s3cr3t")],
    ],
  ),
  ...storage(
    "azureBlob.endpoint must have no user name, password, query or fragment: keys belong in the Secret of spec.credentials",
    [
      [true, "a blob service with the account in the path", azureEndpoint("http://azurite:10000/account")],
      [false, "Azure: a shared access signature", azureEndpoint("https://acme.blob.core.windows.net/?sv=1&sig=s3cr3t")],
      [false, "Azure: one without a path", azureEndpoint("https://acme.blob.core.windows.net?sig=s3cr3t")],
      [false, "Azure: encoded", azureEndpoint("https://acme.blob.core.windows.net/%3Fsig%3Ds3cr3t")],
      [false, "a fragment", azureEndpoint("https://acme.blob.core.windows.net/#s3cr3t")],
    ],
  ),
  ...storage("type cannot be changed: create a new object with another name instead", [
    [true, "another secret, the same type", { from: {}, spec: { credentials: { secretRef: { name: "new" } } } }],
    [false, "another type", { from: {}, spec: AZURE }],
  ]),
  ...storage("type S3 needs the block s3, and only type S3 may have it", [
    [true, "type S3 with s3", {}],
    [false, "type S3 without s3", { spec: { s3: undefined } }],
    [false, "type AzureBlob with both blocks", { spec: { type: "AzureBlob", azureBlob: AZURE.azureBlob } }],
  ]),
  ...storage("type AzureBlob needs the block azureBlob, and only type AzureBlob may have it", [
    [true, "type AzureBlob with azureBlob", { spec: AZURE }],
    [false, "type AzureBlob without azureBlob", { spec: { ...AZURE, azureBlob: undefined } }],
    [false, "type S3 with both blocks", { spec: { azureBlob: AZURE.azureBlob } }],
  ]),
  ...storage("give credentials for all roles, or writer, reader and operator each with their own", [
    [true, "credentials for all", {}],
    [true, "all three roles", { spec: { credentials: undefined, ...keys } }],
    [true, "credentials for all, and one role's own", { spec: { reader: keys.reader } }],
    [false, "no credentials at all", { spec: { credentials: undefined } }],
    [false, "two roles of three", { spec: { credentials: undefined, ...keys, operator: undefined } }],
  ]),
  ...storage("resourceBucket and configBucket must differ: both objects have the same key", [
    [true, "two buckets", { spec: { s3: { resourceBucket: "one", configBucket: "two" } } }],
    [false, "one bucket for both", { spec: { s3: { resourceBucket: "one", configBucket: "one" } } }],
  ]),
  ...storage("resourceContainer and configContainer must differ: both objects have the same key", [
    [true, "two containers", { spec: AZURE }],
    [
      false,
      "one container for both",
      { spec: { ...AZURE, azureBlob: { ...AZURE.azureBlob, configContainer: "resources" } } },
    ],
  ]),
  ...storage("buckets cannot be changed: create a new FallbackStorage and point the GatewayGroup to it", [
    [
      true,
      "another region and endpoint",
      { from: {}, spec: { s3: { region: "us-east-1", endpoint: "https://s3.acme.io" } } },
    ],
    [false, "another resource bucket", { from: {}, spec: { s3: { resourceBucket: "other" } } }],
    [false, "another config bucket", { from: {}, spec: { s3: { configBucket: "other" } } }],
  ]),
  ...storage(
    "account and containers cannot be changed: create a new FallbackStorage and point the GatewayGroup to it",
    [
      [
        true,
        "another endpoint",
        { from: AZURE, spec: { ...AZURE, azureBlob: { ...AZURE.azureBlob, endpoint: "https://b.acme.io" } } },
      ],
      [
        false,
        "another account",
        { from: AZURE, spec: { ...AZURE, azureBlob: { ...AZURE.azureBlob, accountName: "other" } } },
      ],
      [
        false,
        "another resource container",
        { from: AZURE, spec: { ...AZURE, azureBlob: { ...AZURE.azureBlob, resourceContainer: "other" } } },
      ],
      [
        false,
        "another config container",
        { from: AZURE, spec: { ...AZURE, azureBlob: { ...AZURE.azureBlob, configContainer: "other" } } },
      ],
    ],
  ),
];
