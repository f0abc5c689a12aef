import { z } from "zod";

/**
 * zod -> structural OpenAPI v3 as a CustomResourceDefinition wants it. What the API server forbids or does by itself
 * (refusing unknown fields, JSON Schema's wider vocabulary) is left out here, in this one place.
 * Source: kubernetes.io, "Extend the Kubernetes API with CustomResourceDefinitions", section structural schemas.
 */
export interface Structural {
  type?: string;
  description?: string;
  format?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, Structural>;
  additionalProperties?: Structural;
  items?: Structural;
  anyOf?: Structural[];
  "x-kubernetes-validations"?: { rule: string; message: string; fieldPath?: string }[];
  "x-kubernetes-preserve-unknown-fields"?: true;
  "x-kubernetes-int-or-string"?: true;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
}

/** What zod writes, as far as it is used here. */
type Json = Readonly<Record<string, unknown>>;

const INT_OR_STRING = "x-kubernetes-int-or-string";
const OPEN = "x-kubernetes-preserve-unknown-fields";

/** Keys that mean the same in JSON Schema and in a structural schema. */
const SAME = [
  "type",
  "description",
  "format",
  "default",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "maxProperties",
  "required",
  "x-kubernetes-validations",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  OPEN,
  INT_OR_STRING,
] as const;
/** Keys that are understood and turned into something else, or dropped on purpose. */
const HANDLED = ["$schema", "properties", "additionalProperties", "propertyNames", "items", "anyOf", "const"];

/** Rejects a schema that Kubernetes could not express, by its path, instead of writing a CRD that says less. */
export function structural(schema: z.ZodType): Structural {
  return convert(z.toJSONSchema(schema, { io: "input" }) as Json, "");
}

function convert(json: Json, path: string): Structural {
  for (const key of Object.keys(json)) {
    if (!(SAME as readonly string[]).includes(key) && !HANDLED.includes(key)) {
      throw new Error(`${path || "root"}: JSON Schema keyword ${key} has no structural form`);
    }
  }
  const out: Record<string, unknown> = {};
  for (const key of SAME) if (json[key] !== undefined) out[key] = json[key];
  if (typeof json["const"] === "string") out["enum"] = [json["const"]];
  if (typeof out["pattern"] === "string") out["pattern"] = out["pattern"].replaceAll("\\/", "/");
  if (json[INT_OR_STRING]) return intOrString(json, out as Structural, path);
  if (json["anyOf"] !== undefined || typeof json["type"] !== "string") {
    throw new Error(`${path}: a field has one type; the only union is int-or-string`);
  }
  if (out["type"] === "integer") boundInteger(out);
  if (out["type"] === "object") addFields(json, out as Structural, path);
  if (json["items"]) out["items"] = convert(json["items"] as Json, `${path}[]`);
  return out as Structural;
}

function addFields(json: Json, out: Structural, path: string): void {
  const properties = json["properties"] as Record<string, Json> | undefined;
  const values = json["additionalProperties"];
  if (properties) {
    out.properties = {};
    for (const [name, field] of Object.entries(properties)) out.properties[name] = convert(field, `${path}.${name}`);
    return; // additionalProperties: false is what the API server does anyway: it prunes, or refuses when asked to
  }
  if (out[OPEN]) return;
  if (typeof values !== "object" || values === null || Object.keys(values).length === 0) {
    throw new Error(`${path}: a map needs a schema for its values, or ${OPEN}`);
  }
  out.additionalProperties = convert(values as Json, `${path}{}`);
}

/** A union of integer and string: the bounds of both sides stand beside each other, as each speaks of its type only. */
function intOrString(json: Json, out: Structural, path: string): Structural {
  const sides = (json["anyOf"] ?? []) as Json[];
  if (sides.length !== 2 || sides[0]?.["type"] !== "integer" || sides[1]?.["type"] !== "string") {
    throw new Error(`${path}: int-or-string must be a union of integer and string, in this order`);
  }
  const [int, string] = sides.map((side, i) => convert(side, `${path}(${i})`));
  const { type: _int, format: _format, ...intBounds } = int as Structural;
  const { type: _string, ...stringBounds } = string as Structural;
  return { ...out, ...intBounds, ...stringBounds, anyOf: [{ type: "integer" }, { type: "string" }] };
}

/** zod bounds every integer by what a double holds exactly; that says nothing to a reader of the CRD. */
function boundInteger(out: Record<string, unknown>): void {
  if (out["minimum"] === Number.MIN_SAFE_INTEGER) delete out["minimum"];
  if (out["maximum"] === Number.MAX_SAFE_INTEGER) delete out["maximum"];
  const max = out["maximum"];
  out["format"] = typeof max === "number" && max < 2 ** 31 ? "int32" : "int64";
}

/** Every field below a schema with its path, parents before children. Items of lists are `path[]`, values of maps `path{}`. */
export function* fields(
  schema: Structural,
  path: string,
): Generator<{ path: string; schema: Structural; required: boolean }> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const at = path === "" ? name : `${path}.${name}`;
    yield { path: at, schema: child, required: schema.required?.includes(name) ?? false };
    yield* fields(child, at);
  }
  if (schema.items) yield* fields(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* fields(schema.additionalProperties, `${path}{}`);
}
