import { mkdirSync, readFileSync } from "node:fs";
import { authority, type Certificate } from "../lab/certificates.ts";

export interface Pair {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}
/** What a control plane and its gateways need to know each other. */
export interface Certificates {
  /** PEM of the authority that signed both. */
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
  /** The same as files, for configurations that name files. */
  readonly paths: { readonly ca: string; readonly clientCert: string; readonly clientKey: string };
}

/** An authority in the folder, a server certificate for the DNS names and addresses, and a client certificate. */
export function makeCertificates(folder: string, hosts: readonly string[]): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const signer = authority(folder, "simulator authority");
  const server = signer.issue({ name: "server", commonName: "dp-manager", hosts: [...hosts] });
  const client = signer.issue({ name: "client", commonName: "gateway" });
  return {
    ca: readFileSync(signer.caPath, "utf8"),
    server: pair(server),
    client: pair(client),
    paths: { ca: signer.caPath, clientCert: client.certPath, clientKey: client.keyPath },
  };
}

function pair({ certPath, keyPath }: Certificate): Pair {
  return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
}
