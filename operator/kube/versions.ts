/**
 * Orders two resourceVersions of one kind: negative, 0 or positive, or undefined when they cannot be compared.
 * They are decimal numbers of up to 64 bits; comparing them is part of the API's promise since Kubernetes 1.35
 * (KEP-5504), and was true of every released API server on etcd before that.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!NUMBER.test(a) || !NUMBER.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

const NUMBER = /^[1-9]\d*$/;

/** True when `a` is known to be older than `b`. */
export function isOlder(a: string, b: string): boolean {
  const order = compareVersions(a, b);
  return order !== undefined && order < 0;
}
