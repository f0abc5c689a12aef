import { get } from "node:http";
import type { RouteCheck } from "./pod-prober.ts";

const LIMIT_MS = 3_000;

/** One GET on a connection of its own (an nginx worker keeps the connections it took); undefined without an answer. */
export function requestRoute(
  ip: string,
  port: number,
  { host, path }: RouteCheck,
  signal: AbortSignal,
): Promise<number | undefined> {
  return new Promise<number | undefined>((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const headers = { "user-agent": "holdfast-check", ...(host === undefined ? {} : { host }) };
    const request = get({ host: ip, port, path, headers, agent: false, signal: limit }, (response) => {
      resolve(response.statusCode);
      response.destroy(); // the body is of no interest, and may be large
    });
    request.on("error", () => resolve(undefined));
  }).catch(() => undefined); // a host or path that cannot be sent: the schema refuses it, an older object may have it
}
