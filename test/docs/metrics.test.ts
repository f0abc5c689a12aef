/** The alerts of docs/metrics.md speak of metrics, labels and words that exist. */
import { expect, test } from "vitest";
import { ALERTS, ownMetrics } from "../../hack/generate-signals.ts";
import { MODES } from "../../operator/api/gateway-group-status.ts";
import { CONDITION_TYPES } from "../../operator/api/reasons.ts";
import { METRICS } from "../../operator/metrics.ts";

const VALUES: Record<string, readonly string[]> = {
  type: Object.keys(CONDITION_TYPES),
  status: ["True", "False", "Unknown"],
  mode: MODES,
  verdict: ["Reachable", "Unreachable", "Unknown"],
  source: ["control_plane", "memory", "snapshot"],
};

test.each(ALERTS)("%s", (_what, expression, lasts) => {
  const known = new Set(ownMetrics().map(({ name }) => name));
  const used = [...expression.matchAll(/(holdfast_\w+)(?:\{([^}]*)\})?/g)];
  expect(used.length).toBeGreaterThan(0);
  expect(lasts).toMatch(/^\d+m$/);
  for (const [, name, matchers = ""] of used) {
    expect(known).toContain(name);
    for (const [, label, value] of matchers.matchAll(/(\w+)!?="(\w+)"/g)) {
      expect(METRICS[name as keyof typeof METRICS].labels).toContain(label);
      expect(VALUES[label!]).toContain(value);
    }
  }
});

test("a metric whose help says that it is worth an alert has one", () => {
  const worth = ownMetrics().filter(({ help }) => /\balert on\b/.test(help));
  expect(worth.length).toBeGreaterThan(1);
  for (const { name } of worth) expect(ALERTS.some(([, expression]) => expression.includes(name))).toBe(true);
});
