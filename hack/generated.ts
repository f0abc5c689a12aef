import { stringify } from "yaml";
import { type Crd, crds } from "../operator/api/crd.ts";
import { generatedDocs } from "./generate-docs.ts";

/** Every generated file: path from the root of the checkout -> its text. */
export function generated(): Record<string, string> {
  const files = generatedDocs();
  for (const crd of crds()) {
    files[`crds/${crd.metadata.name}.yaml`] = `${HEADER}${crdYaml(crd)}`;
    files[`charts/holdfast/templates/crd-${crd.spec.names.plural}.yaml`] = chartCrd(crd);
  }
  return files;
}

const HEADER = "# Generated from operator/api by `npm run generate`. Do not edit.\n";

function crdYaml(crd: Crd): string {
  // 1.1: kubectl and helm read YAML 1.1, where a bare `no` or `on` is a boolean.
  return stringify(crd, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}

/** In the chart the CRDs stay when the release goes: with them, every GatewayGroup would go, too. docs/adr/0006. */
function chartCrd(crd: Crd): string {
  const kept = { ...crd, metadata: { ...crd.metadata, annotations: { "helm.sh/resource-policy": "keep" } } };
  const yaml = crdYaml(kept);
  if (yaml.includes("{{")) throw new Error(`${crd.metadata.name}: "{{" in a description would be read as a template`);
  return `{{- /* Generated from operator/api by npm run generate. Do not edit. */ -}}\n{{- if .Values.crds.install }}\n${yaml}{{- end }}\n`;
}
