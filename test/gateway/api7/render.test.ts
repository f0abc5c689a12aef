import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  type JsonObject,
  type RenderInput,
  type RenderStore,
  renderGatewayConfig,
} from "../../../operator/gateway/api7/render.ts";
import { parseConfig, roleOf, workerCount } from "../../simulator/gateway/config.ts";

const aws: RenderStore = {
  type: "S3",
  region: "eu-west-1",
  forcePathStyle: false,
  resourceBucket: "acme-gw-resources",
  configBucket: "acme-gw-config",
};
const selfHosted: RenderStore = { ...aws, endpoint: "https://s3.internal:9000", forcePathStyle: true };
const azure: RenderStore = {
  type: "AzureBlob",
  accountName: "acmegateways",
  resourceContainer: "resources",
  configContainer: "config",
};
const azurite: RenderStore = { ...azure, endpoint: "https://blob.internal:10000/acmegateways" };

const normal: RenderInput = {
  role: "normal",
  controlPlane: { endpoint: "https://api7-dp-manager.api7.svc:7943" },
  workers: 2,
  overrides: {},
};
const reader = (store: RenderStore): RenderInput => ({ ...normal, role: "reader", store });
const exporter = (store: RenderStore): RenderInput => ({ ...normal, role: "exporter", store });

/** Dotted path into the parsed text. */
function at(text: string, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], parse(text));
}

describe("the exact text", () => {
  test.for([
    ["normal", normal],
    [
      "normal-server-name-and-listeners",
      {
        ...normal,
        controlPlane: { endpoint: "https://10.0.0.7:7943", serverName: "dp-manager" },
        listeners: { http: [8080], https: [8443] },
      },
    ],
    ["exporter-s3", exporter(aws)],
    ["exporter-s3-path-style", { ...exporter(selfHosted), exportIntervalSeconds: 15 }],
    ["exporter-azure", exporter(azure)],
    ["reader-s3", reader(aws)],
    ["reader-s3-path-style", reader(selfHosted)],
    ["reader-azure", reader(azure)],
    ["reader-azure-endpoint", reader(azurite)],
    [
      "normal-overrides",
      {
        ...normal,
        overrides: {
          nginx_config: {
            http: { real_ip_from: ["10.0.0.0/8"], upstream: { keepalive: 64 } },
            worker_rlimit_nofile: 65536,
          },
          plugin_attr: { prometheus: { export_addr: { port: 9191 } } },
          graphql: null,
          plugins: ["cors", "key-auth"],
        },
      },
    ],
  ] as [string, RenderInput][])("%s", async ([name, input]) => {
    await expect(renderGatewayConfig(input)).toMatchFileSnapshot(`expected/${name}.yaml`);
  });
});

describe("what no text may hold", () => {
  test("the normal configuration names no storage variable and no storage, even when a store is known", () => {
    const text = renderGatewayConfig({ ...normal, store: selfHosted });
    expect(text).not.toMatch(/\$\{\{|fallback_cp|s3\.internal/);
  });
  test.for([
    ["normal", { admin_key: [] }],
    ["exporter", { admin_key: [] }],
    ["reader", undefined],
  ] as const)("%s: no admin key, and none that the gateway would have to write into its file", ([role, admin]) => {
    const text = renderGatewayConfig({ ...normal, role, store: aws });
    expect(at(text, "deployment.admin")).toEqual(admin);
    expect(at(text, "apisix.enable_admin")).toBe(false);
  });
  test("a reader names no file of the control plane's certificate: it must start without that Secret", () => {
    expect(renderGatewayConfig(reader(aws))).not.toMatch(/etcd-ssl|ca\.crt|etcd:/);
  });
  test("an exporter or a reader without a store is a bug of the caller", () => {
    expect(() => renderGatewayConfig({ ...normal, role: "reader" })).toThrow("no store given");
    expect(() => renderGatewayConfig({ ...normal, role: "exporter" })).toThrow("no store given");
  });
});

describe("the simulated gateway, which obeys the contract, reads each text", () => {
  const keys = {
    HOLDFAST_STORE_ACCESS_KEY: "a",
    HOLDFAST_STORE_SECRET_KEY: "s",
    HOLDFAST_STORE_ACCOUNT_KEY: "k",
  };
  test.for([normal, exporter(selfHosted), exporter(azurite), reader(selfHosted), reader(azurite)])("$role", (input) => {
    const config = parseConfig(renderGatewayConfig(input), input.role === "normal" ? {} : keys);
    expect(roleOf(config)).toBe(input.role);
    expect(workerCount(config, {})).toBe(2);
    expect(config.api7ee.status_endpoint?.enabled).toBe(true);
  });
  test("a reader whose keys are not there does not start, and the error names the variable", () => {
    expect(() => parseConfig(renderGatewayConfig(reader(aws)), {})).toThrow("HOLDFAST_STORE_ACCESS_KEY");
  });
});

describe("overrides", () => {
  const overridden = (overrides: JsonObject) => renderGatewayConfig({ ...normal, overrides });
  test("objects merge: what is beside an overridden key stays", () => {
    const text = overridden({ nginx_config: { http: { send_timeout: "20s" } } });
    expect(at(text, "nginx_config.http.send_timeout")).toBe("20s");
    expect(at(text, "nginx_config.http.client_body_timeout")).toBe("60s");
  });
  test("lists replace", () => {
    const text = overridden({ nginx_config: { http: { real_ip_from: ["10.0.0.0/8"] } } });
    expect(at(text, "nginx_config.http.real_ip_from")).toEqual(["10.0.0.0/8"]);
  });
  test("null removes", () => {
    expect(at(overridden({ apisix: { proxy_cache: null } }), "apisix.proxy_cache")).toBeUndefined();
  });
  test("an exporter writes no access log, whatever is asked for", () => {
    const overrides = { nginx_config: { http: { enable_access_log: true } } };
    const text = renderGatewayConfig({ ...exporter(aws), overrides });
    expect(at(text, "nginx_config.http.enable_access_log")).toBe(false);
  });
  test("a deployment block in the overrides changes nothing, even if the refusal were forgotten", () => {
    expect(overridden({ deployment: { role: "data_plane" } })).toBe(renderGatewayConfig(normal));
  });
  test("a key named __proto__ stays a key", () => {
    const text = overridden(JSON.parse('{"__proto__":{"polluted":true}}') as JsonObject);
    expect(text).toContain("__proto__:");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
  test("the order of the keys never changes the text", () => {
    const overrides = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue() as fc.Arbitrary<JsonObject>);
    const shuffled = (value: JsonObject): JsonObject => Object.fromEntries(Object.entries(value).reverse());
    fc.assert(
      fc.property(overrides, (some) => {
        const { deployment: _, ...rest } = some;
        expect(overridden(shuffled(rest))).toBe(overridden(rest));
      }),
      { numRuns: 50 },
    );
  });
  test("the text reads back as what was meant: no string turns into another type", () => {
    const overrides: JsonObject = {
      x: { a: "on", b: "3.10", c: "0x1F", d: "", e: "a: b # c", f: "null", g: "é\n\ttab" },
    };
    expect(at(overridden(overrides), "x")).toEqual(overrides["x"]);
  });
});
