import type { GatewayGroupSpec } from "../../api/gateway-group.ts";
import { clientTls } from "../cluster/certificate.ts";
import type { Content } from "../cluster/secrets.ts";
import type { ProberPool } from "./prober.ts";

/** Tells the probers what this group wants of them from now on. */
export function wantControlPlane(
  probers: Pick<ProberPool, "want" | "wishOf">,
  groupKey: string,
  { endpoint, serverName, clientCertificateRef, probeIntervalSeconds }: GatewayGroupSpec["controlPlane"],
  client: Content,
  counts: boolean,
): void {
  const certificate = clientCertificateRef.name;
  const before = probers.wishOf(groupKey);
  probers.want(groupKey, {
    endpoint,
    // A Secret that cannot be read just now is no reason to ask as somebody else than before, and none to go on asking an
    // endpoint that was corrected. Of another Secret that cannot be read nothing is known: with the certificate of the one
    // before, which may have been revoked, a refusal would look like a loss.
    tls: client.seen === "unknown" && before?.certificate === certificate ? before.tls : clientTls(client),
    certificate,
    intervalMs: probeIntervalSeconds * 1000,
    counts,
    ...(serverName === undefined ? {} : { serverName }),
  });
}
