import type { Lease } from "../../operator/kube/resources.ts";
import { type Exchange, statusBody } from "./stub-exchange.ts";

/** One Lease object behind the API's own rules: versions, conflicts, create once. */
export class LeaseWorld {
  lease: Lease | undefined;
  #version = 0;
  /** Who held it after each write that was accepted. */
  readonly holders: (string | undefined)[] = [];

  readonly answer = (exchange: Exchange): void => {
    const { method, body } = exchange.request;
    if (method === "GET" && !this.lease)
      exchange.json(404, statusBody(404, "NotFound", "no lease", { name: "leader" }));
    else if (method === "GET") exchange.json(200, this.lease);
    else if (method === "POST" && this.lease) exchange.json(409, statusBody(409, "AlreadyExists", "taken"));
    else if (method === "POST") this.#accept(exchange, body as Lease);
    else this.#patch(exchange, body as Lease);
  };

  /** Somebody else writes. */
  write(spec: NonNullable<Lease["spec"]>): void {
    this.#version += 1;
    const metadata = { name: "leader", namespace: "ns", uid: "u", resourceVersion: String(this.#version) };
    this.lease = { metadata, spec };
  }

  #patch(exchange: Exchange, patch: Lease): void {
    const known = this.lease;
    const { resourceVersion, uid } = patch.metadata;
    const isNewest = resourceVersion === known?.metadata.resourceVersion && uid === known?.metadata.uid;
    if (!known) exchange.json(404, statusBody(404, "NotFound", "no lease", { name: "leader" }));
    else if (isNewest) this.#accept(exchange, { ...known, spec: { ...known.spec, ...patch.spec } });
    else exchange.json(409, statusBody(409, "Conflict", "the object has been modified"));
  }

  #accept(exchange: Exchange, lease: Lease): void {
    this.write(lease.spec ?? {});
    this.holders.push(this.lease?.spec?.holderIdentity);
    exchange.json(200, this.lease);
  }
}
