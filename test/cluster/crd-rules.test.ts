/** Every CEL rule of the CRDs, each with what it accepts and what it refuses, on a real API server. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { crds } from "../../operator/api/crd.ts";
import { fields } from "../../operator/api/structural.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { RULE_CASES, type RuleCase } from "./crd-rule-cases.ts";
import { merge, NAMESPACE, pathOf, type Sample, shortest } from "./crd-samples.ts";
import { installCrds } from "./crds.ts";

let api: ApiServer;
beforeAll(async () => {
  api = apiServer(inject("kubeconfigPath"));
  await installCrds(api);
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: NAMESPACE } });
});
afterAll(() => api.close());

/** Messages of all rules of a kind, root included. */
function rulesOf(kind: string): string[] {
  const crd = crds().find(({ spec }) => spec.names.kind === kind)!;
  const root = crd.spec.versions[0].schema.openAPIV3Schema;
  const all = [root, ...[...fields(root, "")].map(({ schema }) => schema)];
  return all.flatMap((schema) => (schema["x-kubernetes-validations"] ?? []).map(({ message }) => message));
}

test.each(["GatewayGroup", "FallbackStorage"])("every rule of %s is shown to accept and to refuse", (kind) => {
  const cases = RULE_CASES.filter((row) => row.kind === kind);
  const shown = (accepted: boolean) => new Set(cases.filter((row) => row.accepted === accepted).map((row) => row.rule));
  const rules = new Set(rulesOf(kind));
  expect(rules.size).toBeGreaterThan(5);
  expect(shown(true)).toEqual(rules);
  expect(shown(false)).toEqual(rules);
});

async function submit(row: RuleCase, name: string): Promise<{ code: number; message: string }> {
  const sample = shortest(row.kind, row.name ?? name);
  const wanted = { ...sample, spec: merge(sample.spec, row.spec ?? {}) as Sample["spec"] };
  if (!row.from) return outcome("POST", `${pathOf(row.kind)}?dryRun=All`, wanted);
  const before = { ...sample, spec: merge(sample.spec, row.from) };
  const { body } = await api.call("POST", pathOf(row.kind), before);
  const path = pathOf(row.kind, sample.metadata.name);
  const { resourceVersion } = body.metadata;
  const result = await outcome("PUT", `${path}?dryRun=All`, {
    ...wanted,
    metadata: { ...wanted.metadata, resourceVersion },
  });
  await api.call("DELETE", path);
  return result;
}

async function outcome(method: string, path: string, object: Sample): Promise<{ code: number; message: string }> {
  const { code, body } = await api.call(method, path, object);
  return { code, message: code < 300 ? "" : String(body.message) };
}

describe.each(RULE_CASES.map((row, i) => ({ ...row, i })))("$rule", (row) => {
  test(`${row.accepted ? "accepts" : "refuses"} ${row.sentence}`, async () => {
    const { code, message } = await submit(row, `rule-${row.i}`);
    if (row.accepted) {
      expect(message).toBe("");
      expect(code).toBeLessThan(300);
    } else {
      expect(message).toContain(row.rule);
      // What is refused for a secret in it must not repeat it.
      expect(message).not.toContain("s3cr3t");
      expect(code).toBe(422);
    }
  });
});
