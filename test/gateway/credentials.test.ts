import { expect, test } from "vitest";
import { credentialProblem } from "../../operator/gateway/api7-credentials.ts";

test.for([
  ["an AWS access key", "AKIAIOSFODNN7EXAMPLE", true],
  ["a secret key with slashes", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", true],
  ["an Azure key", `${"a1B2".repeat(21)}==`, true],
  ["digits and letters", "123abc", true],
  ["a word that only begins so", "trueish", true],
  ["empty", "", false],
  ["a number", "123", false],
  ["22 digits", "1234567890123456789012", false],
  ["a decimal", "1.5", false],
  ["an exponent", "5e10", false],
  ["hexadecimal", "0x1F", false],
  ["binary", "0b101", false],
  ["infinity", "inf", false],
  ["not a number", "NaN", false],
  ["a boolean", "true", false],
  ["null", "null", false],
  ["a line break at the end, as echo leaves it", "AKIAIOSFODNN7EXAMPLE\n", false],
  ["a line break inside", "AKIA\nIOSF", false],
  ["a space in front", " AKIA", false],
] as const)("%s", ([, value, fine]) => {
  const problem = credentialProblem("accessKey", value);
  expect(problem === undefined).toBe(fine);
  if (problem !== undefined && value.length > 4) expect(problem).not.toContain(value.trim());
});
