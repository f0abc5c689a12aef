import { expect, test } from "vitest";
import { GatewayGroupSpec } from "../../../operator/api/gateway-group.ts";
import { readRendered } from "../../../operator/observe/gateways/render.ts";
import { group } from "../objects.ts";

const withEnv = (...env: unknown[]) => ({ spec: { containers: [{ name: "gateway", env }] } });
const DNS = { name: "DNS", value: "10.0.0.10" };
const named = { apisix: { dns_resolver: ["$" + "{{ DNS }}"] } };

test.for([
  ["no variable", {}, {}, {}, true, []],
  ["set in both", named, withEnv(DNS), withEnv(DNS), true, []],
  ["set in the traffic pods alone", named, withEnv(DNS), {}, true, ["spec.backup.podTemplate"]],
  ["set in the traffic pods alone, and there is no backup pod", named, withEnv(DNS), {}, false, []],
  ["set in the backup pod alone", named, {}, withEnv(DNS), true, ["spec.traffic.podTemplate"]],
  [
    "set in another container",
    named,
    { spec: { containers: [{ name: "sidecar", env: [DNS] }] } },
    withEnv(DNS),
    true,
    ["spec.traffic.podTemplate"],
  ],
  ["with a default of its own", { a: "$" + "{{DNS:=10.0.0.10}}" }, {}, {}, true, []],
  ["one that Holdfast sets", { a: "$" + "{{API7_GATEWAY_GROUP_SHORT_ID}}" }, {}, {}, true, []],
  [
    "a whole list of variables that is not looked into",
    named,
    withEnv(DNS),
    { spec: { containers: [{ name: "gateway", envFrom: [{ configMapRef: { name: "dns" } }] }] } },
    true,
    [],
  ],
  ["twice the same", { a: "$" + "{{DNS}} $" + "{{DNS}}" }, withEnv(DNS), {}, true, ["spec.backup.podTemplate"]],
] as const)("variables in the configuration: %s", ([, config, traffic, backup, enabled, fields]) => {
  const spec = GatewayGroupSpec.parse(
    group("edge", (given) => {
      given.gateway.config = config;
      given.traffic = { ...given.traffic, podTemplate: traffic };
      given.backup = { ...given.backup, podTemplate: backup, enabled };
    }).spec,
  );
  const { warnings, problems, exporter } = readRendered(spec, undefined);
  const unset = warnings.filter(({ reason }) => reason === "VariableUnset");
  expect(unset.map(({ field }) => field)).toEqual(fields);
  expect(problems).toEqual([]);
  expect(exporter).toBeUndefined(); // no storage here
});

test("the warning names the variable, the container and what follows, and fits into status.assumed", () => {
  const spec = GatewayGroupSpec.parse(
    group("edge", (given) => {
      given.gateway.config = named;
      given.traffic = { ...given.traffic, podTemplate: withEnv(DNS) };
    }).spec,
  );
  const [warning] = readRendered(spec, undefined).warnings;
  expect(warning?.message).toBe(
    "spec.gateway.config names $" +
      '{{DNS}}; spec.backup.podTemplate does not set it in container "gateway": unless the image does, the backup pod cannot start',
  );
  expect(warning?.message.length).toBeLessThanOrEqual(256);
});
