/** Kubernetes quantities as whole billionths, the API server's own precision: "500m" and 0.5 are the same amount. */
const BINARY: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const FORM = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;

/** undefined for what is no quantity. Rounded up to a billionth, as the API server does. */
export function quantityInBillionths(value: unknown): bigint | undefined {
  const match = FORM.exec(String(value));
  if (match === null || (typeof value !== "string" && typeof value !== "number")) return undefined;
  const [, sign, whole = "", fraction = "", binary, decimal, exponent] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(`${whole}${fraction}`) * (binary === undefined ? 1n : 1024n ** BigInt(BINARY[binary] ?? 0));
  const power = 9 - fraction.length + (exponent === undefined ? (DECIMAL[decimal ?? ""] ?? 0) : Number(exponent));
  const amount = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
  return sign === "-" ? -amount : amount;
}

const divideUp = (amount: bigint, by: bigint): bigint => (amount + by - 1n) / by;
