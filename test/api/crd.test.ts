import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { generated } from "../../hack/generated.ts";
import { crds } from "../../operator/api/crd.ts";
import { fields, type Structural } from "../../operator/api/structural.ts";

const SIZE_LIMIT_BYTES = 100_000; // kubectl apply keeps a second copy in an annotation of at most 256 KiB

const CRDS = crds().map((crd) => ({ kind: crd.spec.names.kind, crd, version: crd.spec.versions[0] }));

describe.each(CRDS)("$kind", ({ crd, version }) => {
  const root = version.schema.openAPIV3Schema;
  const all = [...fields(root, "")];

  test("every field has a description of its own that ends as a sentence", () => {
    const silent = all.filter(
      ({ path, schema }) => path !== "metadata" && !/^\S.{2,}[.?]$/.test(schema.description ?? ""),
    );
    expect(silent.map(({ path, schema }) => `${path}: ${schema.description}`)).toEqual([]);
  });

  test("every text and list of the spec has a limit, so that rules have a bounded cost", () => {
    const spec = fields(root.properties!["spec"]!, "spec");
    const bounded = (schema: Structural) =>
      schema.type === "string"
        ? schema.maxLength !== undefined || schema.enum !== undefined || /\{\d+,\d+\}\$$/.test(schema.pattern ?? "")
        : schema.type !== "array" || schema.maxItems !== undefined;
    expect([...spec].filter(({ schema }) => !bounded(schema)).map(({ path }) => path)).toEqual([]);
  });

  test("every rule has a message that says more than the rule", () => {
    const rules = [root, ...all.map(({ schema }) => schema)].flatMap((s) => s["x-kubernetes-validations"] ?? []);
    for (const { rule, message } of rules) {
      expect(message.length, rule).toBeGreaterThan(20);
      expect(message).not.toContain("self.");
    }
    expect(new Set(rules.map(({ message }) => message)).size).toBe(rules.length);
  });

  test("a column is found where it points to", () => {
    const paths = new Set(all.map(({ path }) => path));
    for (const { jsonPath } of version.additionalPrinterColumns) {
      if (jsonPath === ".metadata.creationTimestamp") continue;
      const path = jsonPath.slice(1).replace(/\[\?\(@\.type=="\w+"\)\]|\[0\]/, "[]");
      expect(paths, jsonPath).toContain(path);
    }
  });

  test("a new object's status is marked as not seen yet", () => {
    expect(root.properties!["status"]).toMatchObject({
      default: { observedGeneration: -1 },
      properties: { observedGeneration: { default: -1, minimum: -1 } },
    });
  });

  test("the file stays far below what kubectl apply can carry", () => {
    const text = generated()[`crds/${crd.metadata.name}.yaml`]!;
    expect(Buffer.byteLength(text)).toBeLessThan(SIZE_LIMIT_BYTES);
  });
});

test("the scale subresource points to fields that exist", () => {
  const { version } = CRDS.find(({ kind }) => kind === "GatewayGroup")!;
  const paths = new Set([...fields(version.schema.openAPIV3Schema, "")].map(({ path }) => `.${path}`));
  const { scale } = version.subresources;
  expect(scale).toBeDefined();
  for (const path of Object.values(scale!)) expect(paths).toContain(path);
});
