/** Items that a gateway reads differently from a file than from the control plane: named by kind, id and path, never by value. */
import { expect, test } from "vitest";
import { inspectSnapshot } from "../../../operator/gateway/api7/snapshot.ts";

const config = JSON.stringify({ config: { config_version: 1, config_payload: { keyring: ["k"] } } });
const variable = (text: string) => `$${`{{${text}}}`}`;
const warningsOf = async (resource: object) => (await inspectSnapshot(JSON.stringify(resource), config)).warnings;
const shortly = async (resource: object) =>
  (await warningsOf(resource)).map(({ reason, kind, id, path }) =>
    [`${reason}/${kind}/${id ?? ""}`, path ?? ""].join(" "),
  );
const route = (more: object, id = "r17") => ({ routes: [{ id, uri: "/x", ...more }] });

test.for<[string, object, string[]]>([
  ["nothing odd", route({ plugins: { cors: {} } }), []],
  [
    "a variable in a template",
    route({ plugins: { "response-rewrite": { body: `costs ${variable("price")}` } } }),
    ["VariableInSnapshot/routes/r17 plugins.response-rewrite.body"],
  ],
  ["one with blanks", route({ desc: variable("  price  ") }), ["VariableInSnapshot/routes/r17 desc"]],
  ["an open one", route({ desc: "$" + "{{" }), ["VariableInSnapshot/routes/r17 desc"]],
  ["in a list", route({ hosts: ["a", variable("b")] }), ["VariableInSnapshot/routes/r17 hosts[1]"]],
  ["in a name", route({ labels: { [variable("b")]: "a" } }), [`VariableInSnapshot/routes/r17 labels.${variable("b")}`]],
  [
    "of another kind",
    { routes: [{ id: "1" }], upstreams: [{ id: "u", service_name: variable("S") }] },
    ["VariableInSnapshot/upstreams/u service_name"],
  ],
  [
    "the environment",
    route({ plugins: { "key-auth": { key: "$env://TOKEN" } } }),
    ["EnvironmentInSnapshot/routes/r17 plugins.key-auth.key"],
  ],
  ["the environment, in capital letters", route({ a: "$ENV://TOKEN" }), ["EnvironmentInSnapshot/routes/r17 a"]],
  [
    "a name of Holdfast's, however it is asked for",
    route({ a: variable("HOLDFAST_STORE_SECRET_KEY"), b: "$env://HOLDFAST_X" }),
    ["HoldfastNameInSnapshot/routes/r17 a", "HoldfastNameInSnapshot/routes/r17 b"],
  ],
  [
    "a plugin that the snapshot's list does not name",
    { ...route({ plugins: { cors: {}, "my-plugin": {} } }), plugins: [{ name: "cors" }] },
    ["PluginNotListed/routes/r17 plugins.my-plugin"],
  ],
  [
    "a custom plugin",
    { ...route({ plugins: { mine: {} } }), plugins: [{ name: "cors" }], custom_plugins: [{ name: "mine" }] },
    [],
  ],
  ["without a list every plugin may be there", route({ plugins: { "my-plugin": {} } }), []],
  ["plugins that are no object", { ...route({ plugins: ["a"] }), plugins: [{ name: "cors" }] }, []],
  [
    "the worst first",
    {
      routes: [{ id: "1", upstream_id: "gone", a: "$env://A", plugins: { x: {} } }],
      services: [{ id: "s", name: variable("n") }],
      plugins: [{ name: "cors" }],
      novelties: [],
    },
    [
      "VariableInSnapshot/services/s name",
      "PluginNotListed/routes/1 plugins.x",
      "EnvironmentInSnapshot/routes/1 a",
      "DanglingReference/routes/1 upstream_id",
      "UnknownKind/novelties/ ",
    ],
  ],
])("%s", async ([, resource, warnings]) => {
  expect(await shortly(resource)).toEqual(warnings);
});

test("a message says what comes of it", async () => {
  const [refused] = await warningsOf(route({ desc: variable("price") }));
  const [replaced] = await warningsOf(route({ desc: variable("price:=1") }));
  expect([refused?.message, replaced?.message]).toEqual([
    `routes/r17 at desc names ${variable("price")}: a gateway that starts from the snapshot replaces it from its environment, and refuses the whole snapshot where price is not set`,
    `routes/r17 at desc names ${variable("price")}: a gateway that starts from the snapshot replaces it from its environment, or by its default; one with a control plane does not`,
  ]);
});

test("of many twenty are kept, always the same ones, and no text is long", async () => {
  const routes = Array.from({ length: 50 }, (_, n) => ({ id: `r${n}`, a: { ["k".repeat(500)]: variable("v") } }));
  const one = await warningsOf({ routes });
  const other = await warningsOf({ routes: [...routes].reverse() });
  expect([one.length, one]).toEqual([20, other]);
  expect(Math.max(...one.map((warning) => JSON.stringify(warning).length))).toBeLessThan(1_000);
});

test("no value is repeated, and no control character", async () => {
  const text = JSON.stringify(await warningsOf(route({ ["k\u0007"]: `pass-4711 ${variable("X")} pass-4711` }, "a\nb")));
  expect(text).not.toMatch(/4711|\\u0007|\\n/);
});
