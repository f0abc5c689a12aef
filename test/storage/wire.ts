/** Servers that answer as no honest server does: what a real one cannot be made to do. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { makeStore } from "../../operator/storage/factory.ts";
import type { SnapshotStore } from "../../operator/storage/store.ts";
import type { Limits } from "../../operator/storage/transport.ts";

export type Vendor = "S3" | "AzureBlob";
export const VENDORS: readonly Vendor[] = ["S3", "AzureBlob"];

/** Short enough for a test, long enough for a loaded machine to answer a well-meant request. */
export const SHORT: Limits = { connectTimeoutMs: 2_000, silenceTimeoutMs: 400, callTimeoutMs: 1_500 };

export interface Wire {
  url: string;
  /** `GET /acme-a/7f3a91` ... in order of arrival. */
  requests: string[];
  /** Connections open now, and made ever. */
  open(): number;
  connections(): number;
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

export async function startWire(answer: Answer): Promise<Wire> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${new URL(request.url ?? "/", "http://stub").pathname}`);
    request.resume();
    answer(request, response, requests.length);
  });
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await listen(server);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    open: () => sockets.size,
    connections: () => connections,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((done) => {
    server.listen(0, "127.0.0.1", () => done());
  });
}

export function storeAt(vendor: Vendor, endpoint: string, limits: Partial<Limits> = SHORT): SnapshotStore {
  if (vendor === "S3") {
    const credentials = { accessKeyId: "AKTEST", secretAccessKey: "test-secret" };
    const buckets = { resourceBucket: "acme-a", configBucket: "acme-b" };
    return makeStore(
      { type: "S3", region: "eu-west-1", endpoint, forcePathStyle: true, ...buckets, credentials },
      limits,
    );
  }
  const credentials = { accountKey: Buffer.alloc(64, 1).toString("base64") };
  const containers = { resourceContainer: "acme-a", configContainer: "acme-b" };
  return makeStore({ type: "AzureBlob", accountName: "acme", endpoint, ...containers, credentials }, limits);
}

const DATES = { date: "Sat, 21 Nov 2026 10:00:30 GMT", "last-modified": "Sat, 21 Nov 2026 10:00:00 GMT" };

/** Headers of a good object, as both vendors send them; its length is the answer's to say. */
export const OBJECT = { ...DATES, etag: '"e1"', "content-type": "application/json", "x-ms-version": "2025-01-05" };

/** A refusal in the vendor's own form. */
export function refuse(vendor: Vendor, status: number, code: string, more: { message?: string; inside?: string } = {}) {
  const message = `<Message>${more.message ?? "words of the server"}</Message>${more.inside ?? ""}`;
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code>${message}</Error>`;
  const headers = {
    ...DATES,
    "content-type": "application/xml",
    ...(vendor === "AzureBlob" && { "x-ms-error-code": code }),
  };
  return (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, headers).end(request.method === "HEAD" ? "" : body);
  };
}
