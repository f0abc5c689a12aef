import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTANTS } from "../mutants/mutants.ts";

test("there are enough mutants, and each one's text stands exactly once in its file", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(40);
  const times = ({ file, find }: (typeof MUTANTS)[number]) =>
    readFileSync(join(import.meta.dirname, "../../operator/domain", file), "utf8").split(find).length - 1;
  expect(MUTANTS.filter((mutant) => times(mutant) !== 1).map(({ file, removes }) => `${file}: ${removes}`)).toEqual([]);
});
