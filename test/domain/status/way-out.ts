/** Every sentence with which input is refused names the field, the value, and what to do. */
import { expect } from "vitest";
import { healthy, held, type Loose, planOf } from "../deciding.ts";

/** After the refusal a word that tells a person to do something. */
const WAY_OUT =
  /[:;,.] (?:or )?(?:add|allow|ask|check|correct|create|delete|enable|give|grant|have|keep|let|look|make|put|remove|rename|renew|set|store|synchronise|use|write)\b/i;
const FIELD = /^(?:spec|metadata)[.[]\S+(?: -> FallbackStorage "eu", .+)?: |^FallbackStorage spec\.\S+ of "eu": /;

export function tells(change: (facts: Loose) => void, ...says: (string | RegExp)[]): void {
  const { facts } = healthy();
  facts.group.spec.fallback.storageRef.name = "eu";
  change(facts);
  const { conditions = [] } = planOf(facts, held(facts, "Reachable", 5_000)).status;
  const stalled = conditions.find(({ type }) => type === "Stalled");
  expect(stalled).toMatchObject({ status: "True" });
  for (const part of [FIELD, WAY_OUT, ...says]) expect(stalled?.message).toMatch(part);
}
