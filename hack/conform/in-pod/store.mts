/** The S3 that gateways of the run write to and read from: in memory, path style, and it notes who did what. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface StoreRow {
  atMs: number;
  ip: string;
  method: string;
  bucket: string;
  key: string;
  status: number;
}

const OBJECT_MAX_BYTES = 64 * 1024 * 1024;

export class Store {
  readonly rows: StoreRow[] = [];
  private readonly objects = new Map<string, { body: Buffer; at: Date }>();
  /** A configuration object holds the data-encryption keyring in clear: nobody without this key is let in. */
  private readonly accessKey: string;

  constructor(accessKey: string) {
    this.accessKey = accessKey;
  }

  listen(port: number): Promise<void> {
    const server = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, resolve);
    });
  }

  put(bucket: string, key: string, body: string): void {
    this.objects.set(`${bucket}/${key}`, { body: Buffer.from(body), at: new Date() });
  }

  get(bucket: string, key: string): string | undefined {
    return this.objects.get(`${bucket}/${key}`)?.body.toString();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent((request.url ?? "/").split("?", 1)[0] ?? "/");
    const [, bucket = "", ...rest] = path.split("/");
    const key = rest.join("/");
    const { status, headers = {}, body } = await this.serve(request, bucket, key);
    this.rows.push({
      atMs: Date.now(),
      ip: (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      method: request.method ?? "",
      bucket,
      key,
      status,
    });
    response.writeHead(status, { "content-length": body?.length ?? 0, ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  private async serve(request: IncomingMessage, bucket: string, key: string): Promise<Answer> {
    if (!(request.headers.authorization ?? "").includes(`Credential=${this.accessKey}/`))
      return failure(403, "AccessDenied");
    const name = `${bucket}/${key}`;
    if (request.method === "PUT") {
      const body = await read(request);
      if (body === undefined) return failure(400, "EntityTooLarge");
      this.objects.set(name, { body, at: new Date() });
      return { status: 200, headers: { etag: etagOf(body) } };
    }
    const found = this.objects.get(name);
    if (found === undefined) return failure(404, "NoSuchKey");
    const headers = {
      etag: etagOf(found.body),
      "last-modified": found.at.toUTCString(),
      "content-type": "application/json",
    };
    return { status: 200, headers, body: found.body };
  }
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer;
}

const etagOf = (body: Buffer): string => `"${createHash("md5").update(body).digest("hex")}"`;

const failure = (status: number, code: string): Answer => ({
  status,
  headers: { "content-type": "application/xml" },
  body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`),
});

async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > OBJECT_MAX_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  const body = Buffer.concat(chunks);
  const signed = request.headers["x-amz-content-sha256"];
  return typeof signed === "string" && signed.startsWith("STREAMING-") ? unchunked(body) : body;
}

/** `aws-chunked`: each piece as `<hex length>[;chunk-signature=...]\r\n<bytes>\r\n`, the last one with length 0. */
function unchunked(body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (end < 0 || !(length > 0)) break;
    pieces.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return Buffer.concat(pieces);
}
