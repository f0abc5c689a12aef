import type { Problem } from "../domain/problem.ts";
import { caBundleProblem, trustsAny } from "../storage/trust.ts";
import type { Content } from "./secrets.ts";

export interface CaBundle {
  /** What is trusted beside the public authorities. */
  pem?: string;
  /** With `pem`: a part of it cannot be used. Without: nothing is asked, for it would fail for another reason than this. */
  problem?: Problem;
}

const KEY = "ca.crt";
const FIELD = "spec.tls.caBundleRef";

/** What a ConfigMap holds, as authorities to trust. */
export function caBundleOf(name: string, content: Content): CaBundle {
  if (content.seen === "unknown")
    return { problem: { reason: "StorageUnavailable", field: FIELD, message: content.why } };
  const pem = content.seen === "present" ? content.data[KEY] : undefined;
  if (!pem) return { problem: misconfigured(`ConfigMap "${name}" has no CA bundle: create it with a key ${KEY}`) };
  const wrong = caBundleProblem(pem);
  if (wrong === undefined) return { pem };
  const todo = "put the certificate of the authority that signed the store's there, in PEM form";
  const problem = misconfigured(`ConfigMap "${name}", key ${KEY}: ${wrong}: ${todo}`);
  // What worked before it was looked at so closely goes on working.
  return trustsAny(pem) ? { pem, problem } : { problem };
}

const misconfigured = (message: string): Problem => ({ reason: "StorageMisconfigured", field: FIELD, message });
