/** docs/laws.md names tests that exist, for every law of a plan and every law of the page before it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const PAGE = read("docs/laws.md");
const rows = PAGE.split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.endsWith("| shown by |"))
  .map((line) => line.slice(2, -2).split(" | "));
const NAMED = /`(test\/[^`]+\.test\.ts)`: "([^"]+)"/g;
const named = (cell = "") => [...cell.matchAll(NAMED)].map(([, file = "", title = ""]) => ({ file, title }));

test.for(rows.map(([what = "", cell]) => [what, named(cell)] as const))("is shown by tests: %s", ([, tests]) => {
  expect(tests.length).toBeGreaterThan(0);
  for (const { file, title } of tests) {
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    const text = read(file);
    expect(text.includes(`"${title}"`) || text.includes(`\`${title}\``), `${file} has the test "${title}"`).toBe(true);
  }
});

test("every law of a plan has a row, and no row is of a law that is gone", () => {
  const source = ["invariants.ts", "content.ts"].map((file) => read(`operator/domain/laws/${file}`)).join("\n");
  const laws = [...source.matchAll(/^ {4}"([^"]+)",$/gm)].map(([, law]) => law);
  expect(laws.length).toBeGreaterThan(10);
  const [, table = ""] = PAGE.split("## The laws of a plan");
  const told = rows.map(([what]) => what).filter((what) => table.includes(`| ${what} |`));
  expect(told.toSorted()).toEqual(laws.toSorted());
});

test("every law of architecture.md has a row", () => {
  const [, section = ""] = read("docs/architecture.md").split("## The laws");
  const numbers = [...(section.split("\n## ")[0] ?? "").matchAll(/^(\d+)\. /gm)].map(([, number]) => number);
  expect(numbers.length).toBeGreaterThan(5);
  for (const number of numbers)
    expect(
      rows.some(([what = ""]) => what.startsWith(`${number}. `)),
      number,
    ).toBe(true);
});
