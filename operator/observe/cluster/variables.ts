import type { GatewayGroupSpec } from "../../api/gateway-group.ts";
import { CONTAINER } from "../../domain/desired/common.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import { GATEWAY_PROFILE } from "../../gateway/api7/facts.ts";
import type { JsonObject } from "../../gateway/api7/render.ts";
import { variablesIn } from "../../gateway/api7/variables.ts";

interface Container {
  name?: unknown;
  env?: unknown;
  envFrom?: unknown;
}

/**
 * Variables that the configuration of all roles names and one role's pod template does not set. A warning and no more:
 * the image may set them.
 */
export function unsetVariables(spec: GatewayGroupSpec): Problem[] {
  const named = variablesIn(spec.gateway.config as JsonObject);
  if (named.length === 0) return [];
  return [
    ...unsetIn("spec.traffic.podTemplate", spec.traffic.podTemplate, named, "traffic pods"),
    ...(spec.backup.enabled
      ? unsetIn("spec.backup.podTemplate", spec.backup.podTemplate, named, "the backup pod")
      : []),
  ];
}

function unsetIn(field: string, template: object, named: readonly string[], pods: string): Problem[] {
  const gateway = gatewayOf(template);
  if (gateway?.envFrom !== undefined) return []; // what that holds is not looked at
  const env = Array.isArray(gateway?.env) ? (gateway.env as { name?: unknown }[]) : [];
  const set = new Set<unknown>([...Object.values(GATEWAY_PROFILE.env), ...env.map((variable) => variable?.name)]);
  return named
    .filter((name) => !set.has(name))
    .map((name) => ({
      reason: "VariableUnset",
      field,
      message: `spec.gateway.config names \${{${name}}}; ${field} does not set it in container "${CONTAINER.gateway}": unless the image does, ${pods} cannot start`,
    }));
}

function gatewayOf(template: object): Container | undefined {
  const { spec } = template as { spec?: { containers?: unknown } };
  const containers = Array.isArray(spec?.containers) ? (spec.containers as Container[]) : [];
  return containers.find((container) => container?.name === CONTAINER.gateway);
}
