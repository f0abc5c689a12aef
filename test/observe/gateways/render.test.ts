import { expect, test } from "vitest";
import { parse } from "yaml";
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../../operator/api/gateway-group.ts";
import { readRendered, workersOf } from "../../../operator/observe/gateways/render.ts";
import { group, type Loose, storage } from "../objects.ts";

const specOf = (change?: (spec: Loose) => void) => GatewayGroupSpec.parse(group("edge", change).spec);
const storageOf = (change?: (spec: Loose) => void) => FallbackStorageSpec.parse(storage("store", change).spec);
const minio = storageOf((spec) => (spec.s3.endpoint = "http://minio:9000"));

test("with a storage all three roles are rendered, and once per spec", () => {
  const spec = specOf();
  const store = storageOf();
  const rendered = readRendered(spec, store);
  expect(rendered.problems).toEqual([]);
  expect(parse(rendered.reader ?? "").deployment.fallback_cp.aws_s3).toMatchObject({ resource_bucket: "res" });
  expect(parse(rendered.exporter ?? "").deployment.fallback_cp).toMatchObject({ mode: "write", interval: 60 });
  expect(rendered.normal).not.toContain("fallback_cp");
  expect(readRendered(spec, store)).toBe(rendered);
  expect(readRendered(spec, minio)).not.toBe(rendered);
});

test.for([
  ["no storage: serving does not wait for it", specOf(), undefined, [], "normal"],
  [
    "a store that this gateway cannot speak to: serving does not wait for it",
    specOf((spec) => (spec.gateway.image = "gw:3.9.3")),
    minio,
    ["PathStyleUnsupported"],
    "normal",
  ],
  ["an image without a version", specOf((spec) => (spec.gateway.image = "gw")), storageOf(), ["InvalidImage"], ""],
  [
    "a version beside another tag",
    specOf((spec) => Object.assign(spec.gateway, { version: "3.9.9" })),
    storageOf(),
    ["InvalidImage"],
    "",
  ],
  [
    "a version that is too old",
    specOf((spec) => (spec.gateway.image = "gw:3.8.20")),
    storageOf(),
    ["UnsupportedVersion"],
    "",
  ],
  [
    "a key that Holdfast owns",
    specOf((spec) => (spec.gateway.config = { deployment: { role: "x" } })),
    storageOf(),
    ["OwnedConfigKey"],
    "",
  ],
] as const)("%s", ([, spec, store, reasons, roles]) => {
  const { problems, normal, reader, exporter } = readRendered(spec, store);
  expect(problems.map((problem) => problem.reason)).toEqual(reasons);
  expect([normal && "normal", reader && "reader", exporter && "exporter"].filter(Boolean).join()).toBe(roles);
});

test.for<[endpoint: string, serverName: string | undefined, warned: boolean]>([
  ["https://10.0.0.7:7943", undefined, true],
  ["https://[fd00::7]:7943", undefined, true],
  ["https://10.0.0.7:7943", "dp-manager", false],
  ["https://dp-manager:7943", undefined, false],
  ["https://10.0.0.7.nip.io:7943", undefined, false],
])("a gateway finds no IP address in a certificate: %s, server name %s", ([endpoint, serverName, warned]) => {
  const name = serverName === undefined ? {} : { serverName };
  const { warnings, normal } = readRendered(
    specOf((spec) => Object.assign(spec.controlPlane, { endpoint, ...name })),
    undefined,
  );
  expect(warnings.map(({ reason }) => reason)).toEqual(warned ? ["EndpointWithoutName"] : []);
  expect(normal).toBeDefined();
});

test("a value that the gateway refuses is named once, and a block that it does not know is warned of", () => {
  const of = (config: object) =>
    readRendered(
      specOf((spec) => (spec.gateway.config = config)),
      undefined,
    );
  const refused = of({ apisix: { enable_ipv6: "false", ssl: { enable: "yes" } } });
  expect(refused.problems.map(({ reason, field }) => [reason, field])).toEqual([
    ["OwnedConfigKey", "spec.gateway.config.apisix.ssl.enable"],
    ["ConfigRefusedByGateway", "spec.gateway.config.apisix.enable_ipv6"],
  ]);
  expect(refused.normal).toBeUndefined();
  const ignored = of({ nginx_conf: {} });
  expect(ignored.warnings.map(({ message }) => message)).toEqual([
    "spec.gateway.config.nginx_conf: the gateway itself ignores this block; is nginx_config meant?",
  ]);
  expect(ignored.normal).toBeDefined();
});

test("an owned key is named with its whole path", () => {
  const { problems } = readRendered(
    specOf((spec) => (spec.gateway.config = { apisix: { status: {} } })),
    undefined,
  );
  expect(problems[0]).toMatchObject({ field: "spec.gateway.config.apisix.status" });
});

test.for([
  ["said", { workers: 5, resources: { limits: { cpu: "1" } } }, 5, false],
  ["the limit, rounded up", { resources: { limits: { cpu: "1500m" }, requests: { cpu: "100m" } } }, 2, false],
  ["a limit that is a number", { resources: { limits: { cpu: 4 } } }, 4, false],
  ["the request, rounded up", { resources: { requests: { cpu: "100m" } } }, 1, false],
  ["neither", {}, 2, true],
  ["a quantity with an exponent", { resources: { limits: { cpu: "25e-1" } } }, 3, false],
  ["no CPU at all", { resources: { limits: { cpu: "0" } } }, 2, true],
] as const)("workers: %s", ([, gateway, workers, assumed]) => {
  expect(workersOf(specOf((spec) => Object.assign(spec.gateway, gateway)))).toEqual({ workers, assumed });
});

test("further ports of the Service are opened by the beginning of their name", () => {
  const ports = [
    { name: "http", port: 80, targetPort: 9080 },
    { name: "http-admin", port: 81, targetPort: 9081 },
    { name: "https-eu", port: 444, targetPort: 9444 },
    { name: "mqtt", port: 1883, targetPort: 1883 },
    { name: "http-udp", port: 82, targetPort: 9082, protocol: "UDP" },
  ];
  const { normal } = readRendered(
    specOf((spec) => (spec.traffic = { service: { ports } })),
    undefined,
  );
  const { apisix } = parse(normal ?? "");
  expect(apisix.node_listen.map((one: Loose) => one.port)).toEqual([9080, 9081]);
  expect(apisix.ssl.listen.map((one: Loose) => one.port)).toEqual([9443, 9444]);
});
