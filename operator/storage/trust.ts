/** Is a CA bundle one? Node takes anything for one and then trusts nothing of it, without a word. */
import { X509Certificate } from "node:crypto";

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** What is wrong with this PEM; undefined when it holds certificates and nothing that cannot be read as one. */
export function caBundleProblem(pem: string): string | undefined {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) return "it holds no certificate in PEM form (BEGIN CERTIFICATE ... END CERTIFICATE)";
  const bad = blocks.findIndex((block) => !isCertificate(block));
  return bad === -1 ? undefined : `certificate ${bad + 1} of ${blocks.length} in it cannot be read`;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
