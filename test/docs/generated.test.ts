/** What is generated is committed, and is what the generator makes today. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generated } from "../../hack/generated.ts";
import { CONDITION_TYPES, REASONS } from "../../operator/api/reasons.ts";

const ROOT = join(import.meta.dirname, "../..");

test.each(Object.entries(generated()))("%s is not stale (npm run generate)", (path, text) => {
  expect(existsSync(join(ROOT, path)), `${path} is missing`).toBe(true);
  expect(readFileSync(join(ROOT, path), "utf8")).toBe(text);
});

test("every condition and every reason is documented", () => {
  const page = readFileSync(join(ROOT, "docs/reasons.md"), "utf8");
  for (const word of [...Object.keys(CONDITION_TYPES), ...Object.keys(REASONS)]) expect(page).toContain(`\`${word}\``);
});
