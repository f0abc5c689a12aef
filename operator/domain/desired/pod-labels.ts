import { LABEL, type Role } from "../../api/names.ts";
import type { Facts } from "../facts/facts.ts";
import { objectAt } from "../values/json.ts";
import { labelsOf } from "./common.ts";

/** Labels of a pod of this role as the spec wants it, but for those that a controller adds. */
export function podLabels(facts: Pick<Facts, "group">, role: Role): Record<string, string> {
  const { backup, traffic } = facts.group.spec;
  const template = role === "backup" ? backup.podTemplate : traffic.podTemplate;
  const users = Object.entries(objectAt(template, "metadata", "labels")).filter(
    (label): label is [string, string] => typeof label[1] === "string",
  );
  const license = role === "traffic" || role === "canary" ? "counted" : "excluded";
  return { ...Object.fromEntries(users), ...labelsOf(facts, role), [LABEL.license]: license };
}
