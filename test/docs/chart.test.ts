/** Every value of the chart is described, has a default, and stands in docs/chart.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { helpText } from "../../operator/options.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
}
const schema = JSON.parse(read("charts/holdfast/values.schema.json")) as Schema;
const { global: _, ...properties } = schema.properties!;

function leaves(of: Record<string, Schema>, path = ""): string[] {
  return Object.entries(of).flatMap(([name, child]) =>
    child.properties ? leaves(child.properties, `${path}${name}.`) : [`${path}${name}`],
  );
}

/** Objects that the schema describes field by field; others are one value, whatever is in them. */
function defaults(value: Record<string, unknown>, of: Record<string, Schema>, path = ""): string[] {
  return Object.entries(value).flatMap(([name, child]) => {
    const inner = of[name]?.properties;
    return inner ? defaults(child as Record<string, unknown>, inner, `${path}${name}.`) : [`${path}${name}`];
  });
}

test("values.yaml and values.schema.json know the same values", () => {
  const values = parse(read("charts/holdfast/values.yaml")) as Record<string, unknown>;
  expect(defaults(values, properties).toSorted()).toEqual(leaves(properties).toSorted());
});

test.each(leaves(properties))("docs/chart.md describes %s", (path) => {
  expect(read("docs/chart.md")).toMatch(
    new RegExp(`^\\| \`${path.replaceAll(".", "\\.")}\` \\| .+ \\| \\S.+\\. \\|$`, "m"),
  );
});

test("an unknown value is refused at every level", () => {
  const closed = (each: Schema): boolean =>
    each.properties === undefined ||
    (each.additionalProperties === false && Object.values(each.properties).every(closed));
  expect(closed({ ...schema, properties })).toBe(true);
});

test("the chart sets only variables that the operator reads", () => {
  const set = [...read("charts/holdfast/templates/deployment.yaml").matchAll(/name: (HOLDFAST_\w+)/g)].map(
    ([, name]) => name,
  );
  expect(set.length).toBeGreaterThan(2);
  for (const name of set) expect(helpText()).toContain(`(${name})`);
});
