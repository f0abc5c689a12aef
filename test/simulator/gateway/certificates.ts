import { createSecureContext, type SecureContext } from "node:tls";
import type { Objects } from "./objects.ts";

/** The certificates of the `ssls` objects by server name; `*.example.com` answers for one label. */
export class SniCertificates {
  private objects: Objects | undefined;
  private readonly contexts = new Map<string, SecureContext>();

  use(objects: Objects): void {
    if (objects.ssls === this.objects?.ssls) return;
    this.objects = objects;
    this.contexts.clear();
  }

  /** Undefined: no certificate for this name, so the handshake fails, as in the real one. */
  find(name: string): SecureContext | undefined {
    const known = this.contexts.get(name);
    if (known !== undefined) return known;
    const wildcard = `*.${name.split(".").slice(1).join(".")}`;
    for (const { value } of this.objects?.ssls.values() ?? []) {
      const names = [value["snis"], value["sni"]].flat();
      if (value["status"] === 0 || !(names.includes(name) || names.includes(wildcard))) continue;
      try {
        const context = createSecureContext({ cert: String(value["cert"]), key: String(value["key"]) });
        this.contexts.set(name, context);
        return context;
      } catch {
        // A pair that does not load is passed over, like any invalid item.
      }
    }
    return undefined;
  }
}
