import type { FallbackStorageSpec } from "../../api/fallback-storage.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import type { Memory, Sessions } from "../../session.ts";
import { caBundleProblem, trustsAny } from "../../storage/trust.ts";
import type { Content, ContentReader } from "./secrets.ts";

export interface CaBundle {
  /** What is trusted beside the public authorities. */
  pem?: string;
  /** With `pem`: a part of it cannot be used, or it cannot be read just now. Without: nothing is asked, for it would fail for another reason than this. */
  problem?: Problem;
}

const KEY = "ca.crt";
const FIELD = "spec.tls.caBundleRef";

/** The bundles that storages name, "namespace/name". One that cannot be read just now is what it last was, as a Secret is. */
export class CaBundles {
  readonly #contents: Pick<ContentReader, "configMap">;
  readonly #last: Memory<{ name: string; pem: string }>;

  constructor(contents: Pick<ContentReader, "configMap">, sessions: Sessions) {
    this.#last = sessions.memory();
    this.#contents = contents;
  }

  async read(storageKey: string, namespace: string, spec: FallbackStorageSpec, maxAgeMs: number): Promise<CaBundle> {
    const name = spec.tls?.caBundleRef?.name;
    if (name === undefined) {
      this.#last.delete(storageKey);
      return {};
    }
    const content = await this.#contents.configMap(namespace, name, maxAgeMs);
    const seen = caBundleOf(name, content);
    const last = this.#last.get(storageKey);
    if (content.seen === "unknown" && last?.name === name) return { ...seen, pem: last.pem };
    if (seen.pem === undefined) this.#last.delete(storageKey);
    else this.#last.set(storageKey, { name, pem: seen.pem });
    return seen;
  }
}

/** What a ConfigMap holds, as authorities to trust. */
function caBundleOf(name: string, content: Content): CaBundle {
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
