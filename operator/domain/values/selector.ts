/** A label selector as in matchLabels and matchExpressions of apimachinery. */
export interface Selector {
  matchLabels?: Readonly<Record<string, string>>;
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}
type Labels = Readonly<Record<string, string>>;

/** Does it select an object of these labels? An empty one selects all; an operator that nobody knows selects nothing. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const labelOf = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  if (!Object.entries(matchLabels).every(([key, value]) => labelOf(key) === value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labelOf(key);
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        return false;
    }
  });
}

export const selectorKeys = ({ matchLabels = {}, matchExpressions = [] }: Selector): string[] => [
  ...Object.keys(matchLabels),
  ...matchExpressions.map(({ key }) => key),
];
