/** A store that talks to a server of wire.ts, both gone after the test: the set-up of the tests wire-*.test.ts. */
import { afterEach } from "vitest";
import type { SnapshotStore } from "../../operator/storage/store.ts";
import type { Limits } from "../../operator/storage/transport.ts";
import { type Answer, OBJECT, SHORT, startWire, storeAt, type Vendor, type Wire } from "./wire.ts";

export const signal = new AbortController().signal;
export const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

export async function talkTo(vendor: Vendor, answer: Answer, limits: Partial<Limits> = SHORT) {
  const wire = await startWire(answer);
  const store = storeAt(vendor, wire.url, limits);
  cleanUp.push(wire.close, () => store.close());
  return { wire, store };
}

export const read = (store: SnapshotStore, maxBytes = 1_000) => store.read("resource", "7f3a91", { maxBytes }, signal);

export async function allClosed(wire: Wire): Promise<void> {
  while (wire.open() > 0) await new Promise((done) => setTimeout(done, 10));
}

/** An honest answer. */
export const object: Answer = (_, response) =>
  void response.writeHead(200, { ...OBJECT, "content-length": 2 }).end("{}");
