import { stringify } from "yaml";
import { type Crd, crds } from "../operator/api/crd.ts";
import { leaseRules, NAMESPACE_RULES, type RbacRule } from "../operator/rbac.ts";
import { generatedDocs } from "./generate-docs.ts";

/** Every generated file: path from the root of the checkout -> its text. */
export function generated(): Record<string, string> {
  const files = generatedDocs();
  for (const crd of crds()) {
    files[`crds/${crd.metadata.name}.yaml`] = `${HEADER}${crdYaml(crd)}`;
    files[`charts/holdfast/templates/crd-${crd.spec.names.plural}.yaml`] = chartCrd(crd);
  }
  files["charts/holdfast/templates/_rules.tpl"] = chartRules();
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

/** The rules of the Roles, each under the reason for it. The operator's cluster tests run it with exactly these. */
function chartRules(): string {
  const define = (name: string, rules: readonly RbacRule[]) =>
    `{{- define "holdfast.${name}" -}}\n${rules.map(ruleYaml).join("")}{{- end -}}\n`;
  const head = "{{- /* Generated from operator/rbac.ts by npm run generate. Do not edit. */ -}}\n";
  return head + define("namespaceRules", NAMESPACE_RULES) + define("leaseRules", leaseRules("holdfast"));
}

function ruleYaml({ apiGroup, resources, verbs, resourceNames, why }: RbacRule): string {
  const list = (words: readonly string[]) => `[${words.map((word) => word || '""').join(", ")}]`;
  const names = resourceNames ? `  resourceNames: ${list(resourceNames)}\n` : "";
  return `# ${why}\n- apiGroups: ${list([apiGroup])}\n  resources: ${list(resources)}\n${names}  verbs: ${list(verbs)}\n`;
}
