// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the reference syntax of config.yaml is what is tested
import { expect, test } from "vitest";
import { ConfigError, substitute } from "./gateway/variables.ts";

const env = {
  NAME: "edge",
  DIGITS: "123",
  LONG: "1234567890123456789012",
  YES: "true",
  NO: "false",
  HEX: "0x1F",
  EXP: "1e5",
  KEY: "a/b+c=",
};

test.for<[string, unknown, unknown]>([
  ["text without a reference stays as it is", "123", "123"],
  ["a number stays a number", 123, 123],
  ["a variable becomes its text", "${{NAME}}", "edge"],
  ["blanks inside the braces do not matter", "${{ NAME }}", "edge"],
  ["it is replaced in the middle of a text", "https://${{NAME}}.svc:${{DIGITS}}", "https://edge.svc:123"],
  ["digits become a number, though quoted in the YAML", "${{DIGITS}}", 123],
  ["a key of 22 digits loses its digits", "${{LONG}}", 1.2345678901234568e21],
  ["what is put together from text and variable is retyped too", "${{DIGITS}}4", 1234],
  ["true becomes a boolean", "${{YES}}", true],
  ["false becomes a boolean", "${{NO}}", false],
  ["hexadecimal reads as a number", "${{HEX}}", 31],
  ["an exponent reads as a number", "${{EXP}}", 100_000],
  ["a key with other signs stays text", "${{KEY}}", "a/b+c="],
  ["a default stands in for an unset variable", "${{MISSING:=eu}}", "eu"],
  ["a default is retyped as well", "${{MISSING:=7}}", 7],
  [
    "lists and unknown blocks are searched",
    { any: { thing: ["${{NAME}}", { deep: "${{YES}}" }] } },
    { any: { thing: ["edge", { deep: true }] } },
  ],
  ["$VAR and ${VAR} are nginx's, not ours", "$NAME ${NAME}", "$NAME ${NAME}"],
])("%s", ([, value, expected]) => {
  expect(substitute(value, env)).toEqual(expected);
});

test("an unset variable is an error that names it", () => {
  expect(() => substitute({ a: ["${{MISSING}}"] }, env)).toThrow(
    new ConfigError("failed to handle configuration: can't find environment variable MISSING"),
  );
});
