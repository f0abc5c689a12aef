import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cel, intOrPercent, openObject, quantities, seconds } from "../../operator/api/common.ts";
import { fields, structural } from "../../operator/api/structural.ts";

describe("what zod says and what the CRD says", () => {
  test.for([
    ["text", z.string().min(1).max(9).regex(/^\/a/), { type: "string", minLength: 1, maxLength: 9, pattern: "^/a" }],
    ["small integer", z.int().min(0).max(5), { type: "integer", format: "int32", minimum: 0, maximum: 5 }],
    ["unbounded integer", z.int(), { type: "integer", format: "int64" }],
    ["time", z.string().meta({ format: "date-time" }), { type: "string", format: "date-time" }],
    ["literal", z.literal("A"), { type: "string", enum: ["A"] }],
    ["list", z.array(z.string()).max(3), { type: "array", maxItems: 3, items: { type: "string" } }],
    ["map of text", z.record(z.string(), z.string()), { type: "object", additionalProperties: { type: "string" } }],
    [
      "object: unknown fields are the API server's business, defaults make a field optional",
      z.strictObject({ a: z.string(), b: z.boolean().default(true), c: z.string().optional() }),
      {
        type: "object",
        required: ["a"],
        properties: { a: { type: "string" }, b: { type: "boolean", default: true }, c: { type: "string" } },
      },
    ],
    [
      "object that is filled in from nothing",
      z.strictObject({ a: z.strictObject({ b: z.int().min(1).max(2).default(1) }).prefault({}) }),
      {
        type: "object",
        properties: {
          a: {
            type: "object",
            default: {},
            properties: { b: { type: "integer", format: "int32", minimum: 1, maximum: 2, default: 1 } },
          },
        },
      },
    ],
    [
      "open object",
      openObject("Anything."),
      { type: "object", description: "Anything.", "x-kubernetes-preserve-unknown-fields": true },
    ],
    [
      "rule",
      z.strictObject({}).meta(cel({ rule: "true", message: "never" })),
      { type: "object", properties: {}, "x-kubernetes-validations": [{ rule: "true", message: "never" }] },
    ],
    [
      "number or percentage",
      intOrPercent("Some."),
      {
        description: "Some.",
        "x-kubernetes-int-or-string": true,
        anyOf: [{ type: "integer" }, { type: "string" }],
        minimum: 0,
        maximum: 1000,
        pattern: "^(100|[1-9]?[0-9])%$",
      },
    ],
  ] as const)("%s", ([, schema, expected]) => {
    expect(structural(schema)).toEqual(expected);
  });

  test("amounts are numbers or texts", () => {
    expect(structural(quantities("Much.")).additionalProperties).toMatchObject({
      "x-kubernetes-int-or-string": true,
      anyOf: [{ type: "integer" }, { type: "string" }],
    });
  });
});

describe("what a CRD cannot say is an error of the schema, with its path", () => {
  test.for([
    ["a union of texts and booleans", z.union([z.string(), z.boolean()]), "a field has one type"],
    ["a field of any type", z.unknown(), "a field has one type"],
    ["a list of fixed length", z.tuple([z.string()]), "JSON Schema keyword prefixItems has"],
    ["a map of anything", z.record(z.string(), z.unknown()), "a map needs a schema for its values"],
    [
      "int-or-string the wrong way round",
      z.union([z.string(), z.int()]).meta({ "x-kubernetes-int-or-string": true }),
      "int-or-string must be a union of integer and string",
    ],
  ] as const)("%s", ([, schema, message]) => {
    expect(() => structural(z.strictObject({ field: schema }))).toThrow(`.field: ${message}`);
  });
});

test("fields lists every field below a schema with its path", () => {
  const schema = z.strictObject({
    a: z.strictObject({ b: seconds(1, 2, "Time.") }),
    list: z.array(z.strictObject({ c: z.string() })),
    map: z.record(z.string(), z.string()).optional(),
  });
  expect([...fields(structural(schema), "")].map(({ path, required }) => [path, required])).toEqual([
    ["a", true],
    ["a.b", true],
    ["list", true],
    ["list[].c", true],
    ["map", false],
  ]);
});
