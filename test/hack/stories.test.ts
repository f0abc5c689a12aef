import { expect, test } from "vitest";
import { pageOf, storiesOf } from "../../hack/stories.ts";

const report = (day: string, ...results: [story: string, status: string][]) => ({
  startTime: Date.parse(`${day}T12:00:00Z`),
  testResults: [
    {
      name: "/somewhere/test/e2e/outage.test.ts",
      assertionResults: results.map(([fullName, status]) => ({ fullName, status, duration: 1_600 })),
    },
  ],
});

test("of a story that was run again the last run counts; what was left out keeps what it had", () => {
  const whole = report("2026-01-01", ["flip", "failed"], ["return", "passed"], ["later", "skipped"]);
  const again = report("2026-01-02", ["flip", "passed"], ["return", "skipped"]);
  const stories = storiesOf([
    { commit: "aaa", report: whole },
    { commit: "bbb", report: again },
  ]);
  const story = { file: "outage.test.ts", outcome: "passed", seconds: 2 };
  expect(stories).toEqual([
    { ...story, story: "flip", seen: "bbb, 2026-01-02" },
    { ...story, story: "return", seen: "aaa, 2026-01-01" },
  ]);
});

test("the page counts what failed, and names no folder of a machine", () => {
  const page = pageOf(
    storiesOf([{ commit: "aaa", report: report("2026-01-01", ["a | b", "failed"], ["c", "passed"]) }]),
    "2 x CPU",
  );
  expect(page).toContain("2 stories: 1 passed, 1 failed.");
  expect(page).toContain("| outage | a \\| b | failed | 2 | aaa, 2026-01-01 |");
  expect(page).not.toContain("/somewhere");
});
