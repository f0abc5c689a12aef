/** Is a CA bundle one? Node takes anything for one, and trusts what stands before the first that it cannot read, silently. */
import { X509Certificate } from "node:crypto";

/**
 * First and last line stand for themselves; one that was cut off reaches to the end of the text. The longer names are those
 * of other programs, and as good.
 */
const BLOCK = /^-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]*?(?:^-----END \1-----[ \t\r]*$|(?![\s\S]))/gm;

/** What is wrong with this PEM; undefined when it holds certificates and nothing that cannot be read as one. */
export function caBundleProblem(pem: string): string | undefined {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) return "it holds no certificate in PEM form (BEGIN CERTIFICATE ... END CERTIFICATE)";
  const bad = blocks.findIndex((block) => !trustsAny(block));
  if (bad === -1) return undefined;
  return `certificate ${bad + 1} of ${blocks.length} in it cannot be read, so neither it nor any after it is trusted`;
}

/** Is any certificate of it trusted: can the first be read? */
export function trustsAny(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
