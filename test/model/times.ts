// Time in the model: the present is one constant, and everything that happened is so many seconds old. So a state that
// comes again an hour later is the same state, and a decision on it need not be made again.

export const NOW_MS = Date.parse("2026-06-01T12:00:00Z");
/** What is only shown, never decided on: every moment of it is this one. */
export const SHOWN_AT = "2020-01-01T00:00:00Z";

/** Longer than every wait of the reduced spec, s; what is older is as old, until a day passes. */
const OLD_S = 640;
const DAY_S = 86_400;
export const DAY_PASSES_S = DAY_S + 3_600;
/** No younger than the oldest loss, or a start from long before it would seem to have come after it. */
const OLD_POD_S = OLD_S;

export const aged = (ageS: number, byS: number): number => saturated(ageS + byS, OLD_S);
export const agedPod = (ageS: number, byS: number): number => saturated(ageS + byS, OLD_POD_S);
const saturated = (ageS: number, oldS: number): number => (ageS <= oldS ? ageS : ageS >= DAY_S ? DAY_PASSES_S : oldS);

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const secondsBefore = (ms: number): number => Math.round((NOW_MS - ms) / 1000);

/** The same with ages for moments: ISO texts, and numbers that are milliseconds since 1970. */
export function withAges(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string" && ISO.test(part) && part !== SHOWN_AT)
      return `@i${saturated(secondsBefore(Date.parse(part)), OLD_S)}`;
    if (typeof part === "number" && part > 1e12) return `@n${saturated(secondsBefore(part), OLD_S)}`;
    return part;
  });
}

const AGE = /"@([in])(-?\d+)"/g;
export const shifted = (text: string, byS: number): string =>
  text.replace(AGE, (_all, kind: string, age: string) => `"@${kind}${aged(Number(age), byS)}"`);

export function withMoments<T>(text: string): T {
  const moments = text.replace(AGE, (_all, kind: string, age: string) => {
    const ms = NOW_MS - Number(age) * 1000;
    return kind === "i" ? `"${new Date(ms).toISOString()}"` : String(ms);
  });
  return JSON.parse(moments) as T;
}
