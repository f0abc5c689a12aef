/** docs/operating.md knows every annotation, every column and every word of FALLBACK, and no word that does not exist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { crds } from "../../operator/api/crd.ts";
import { ANNOTATION } from "../../operator/api/names.ts";
import { CONDITION_TYPES, REASONS } from "../../operator/api/reasons.ts";
import { MARK } from "../../operator/domain/desired/common.ts";
import { parseOverride } from "../../operator/domain/mode/orders.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/operating.md"), "utf8");

test.each([...Object.values(ANNOTATION), ...Object.values(MARK)])("%s is told", (annotation) => {
  expect(PAGE).toMatch(new RegExp(`\`${annotation.replaceAll(".", "\\.")}[\`:]`));
});

test("every annotation of ours that the page names exists", () => {
  const known = new Set<string>([...Object.values(ANNOTATION), ...Object.values(MARK)]);
  const labels = ["holdfast.dev/group", "holdfast.dev/role"];
  const named = [...PAGE.matchAll(/holdfast\.dev\/[a-z-]+[a-z]/g)].map(([word]) => word);
  expect(named.filter((word) => !known.has(word) && !labels.includes(word))).toEqual([]);
});

test("the columns of kubectl get are explained", () => {
  const group = crds().find(({ spec }) => spec.names.kind === "GatewayGroup")!;
  const columns = group.spec.versions[0].additionalPrinterColumns.map(({ name }) => name.toUpperCase());
  const silent = ["SINCE", "AGE", "REASON", "DIGEST", "PROVEN"]; // they say what they are
  for (const column of columns) if (!silent.includes(column)) expect(PAGE).toMatch(new RegExp(`\\b${column}\\b`));
});

test("every word that FALLBACK can show has its row", () => {
  const [, table] = /### What FALLBACK says\n([\s\S]*?)\n## /.exec(PAGE)!;
  const rows = table!.split("\n").filter((line) => line.startsWith("| `"));
  const told = rows.flatMap((row) => [...row.split(" | ")[0]!.matchAll(/`(\w+)`/g)].map(([, word]) => word!));
  // What proof.ts makes of the facts, and what a store that Holdfast cannot look into brings along.
  const made = readFileSync(join(ROOT, "operator/domain/snapshot/proof.ts"), "utf8");
  const reasons = [...made.matchAll(/"([A-Z][A-Za-z]+)"/g)].map(([, word]) => word!).filter((word) => word in REASONS);
  const brought = Object.keys(REASONS).filter((word) => word.startsWith("Storage") && word !== "StorageReachable");
  expect(told.toSorted()).toEqual([...new Set(["Quarantined", "Unpublished", ...reasons, ...brought])].toSorted());
});

test.each(["docs/operating.md", "docs/lifecycle.md", "docs/decisions.md", "docs/architecture.md", "README.md"])(
  "%s uses no reason that does not exist",
  (path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    const words = [...text.matchAll(/`([A-Z][a-z]+(?:[A-Z][A-Za-z]+)+)(?:: ([A-Z][A-Za-z]+))?`/g)].flatMap(([, a, b]) =>
      [a, b].filter((word) => word !== undefined),
    );
    const unknown = words.filter((word) => !OTHER_WORDS.has(word) && !(word in REASONS) && !(word in CONDITION_TYPES));
    expect([...new Set(unknown)]).toEqual([]);
  },
);
/** Modes, kinds and reasons of the start choice: words of this form that are no reasons of a condition. */
const OTHER_WORDS = new Set([
  ...["ToFallback", "ToNormal", "OnRestart", "GatewayGroup", "FallbackStorage", "PodDisruptionBudget", "SnapshotStore"],
  ...["NoNormalConfig", "RecordedFallback", "ControlPlaneAnswered", "NoFallbackConfig", "ProbeAborted"],
  ...[
    "ControlPlaneSilent",
    "ControlPlaneLacking",
    "ControlPlaneRefusedUs",
    "ReaderKeyAbsent",
    "IfNotPresent",
    "StorageError",
    "KubeError",
  ],
  ...["OwnFailure"],
]);

test("the override of the page can be read", () => {
  const shown = [...PAGE.matchAll(/override: "(\w+ until=)TIME"/g)].map(([, text]) => text);
  expect(shown).toHaveLength(3);
  for (const text of shown) {
    expect(parseOverride(`${text}2026-01-31T12:00:00Z`, 0)).toMatchObject({ is: "active" });
  }
});
