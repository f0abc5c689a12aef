/** What stands in the way of asking: no fact about the gateway. The message says what was tried, and never holds a secret. */
export class CannotAsk extends Error {}

/** How well a fact is known: documented, seen on a gateway of about 3.9.0, measured on open-source APISIX 3.18, unknown. */
export type Mark = "D" | "O" | "M" | "U";

export type Outcome =
  | { is: "asExpected"; seen: string }
  | { is: "differs"; seen: string }
  | { is: "notAsked"; seen: string };

export const yes = (seen: string): Outcome => ({ is: "asExpected", seen });
export const no = (seen: string): Outcome => ({ is: "differs", seen });
export const unasked = (why: string): Outcome => ({ is: "notAsked", seen: why });
export const asked = (ok: boolean, seen: string): Outcome => (ok ? yes(seen) : no(seen));
