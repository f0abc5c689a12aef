// One request to the stub, and what it may get for an answer, the dishonest ones included.
import type { IncomingHttpHeaders, ServerResponse } from "node:http";

export interface Recorded {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  /** Parsed JSON, undefined without a body. */
  body: unknown;
}

/** What one request gets instead of the ordinary answer. */
export type Fault = (exchange: Exchange) => void;

export class Exchange {
  readonly request: Recorded;
  readonly #response: ServerResponse;

  constructor(request: Recorded, response: ServerResponse) {
    this.request = request;
    this.#response = response;
  }

  json(code: number, body: unknown, headers: Record<string, string> = {}): void {
    this.#response.writeHead(code, { "content-type": "application/json", ...headers });
    this.#response.end(JSON.stringify(body));
  }

  text(code: number, body: string): void {
    this.#response.writeHead(code, { "content-type": "text/plain" });
    this.#response.end(body);
  }

  /** Headers and part of a body: a watch. */
  line(text: string): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": "application/json" });
    this.#response.write(text);
  }

  openStream(): void {
    this.#response.writeHead(200, { "content-type": "application/json" });
    this.#response.flushHeaders();
  }

  /** The regular end of an answer. */
  end(): void {
    this.#response.end();
  }

  /** TCP RST. */
  reset(): void {
    this.#response.socket?.resetAndDestroy();
  }

  onClose(run: () => void): void {
    this.#response.once("close", run);
  }
}

/** The Status that an API server sends with an error. */
export function statusBody(code: number, reason: string, message: string, details: object = {}): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details };
}

export const fault = {
  hang: () => undefined,
  reset: (exchange: Exchange) => exchange.reset(),
  status:
    (code: number, reason: string, details: object = {}, headers: Record<string, string> = {}): Fault =>
    (exchange) =>
      exchange.json(code, statusBody(code, reason, `stub says ${reason}`, details), headers),
  json:
    (code: number, body: unknown): Fault =>
    (exchange) =>
      exchange.json(code, body),
  text:
    (code: number, body: string): Fault =>
    (exchange) =>
      exchange.text(code, body),
  /** A watch that sends these lines as they are, and stays open. */
  lines:
    (...lines: string[]): Fault =>
    (exchange) => {
      exchange.openStream();
      for (const line of lines) exchange.line(line);
    },
  linesThenEnd:
    (...lines: string[]): Fault =>
    (exchange) => {
      exchange.openStream();
      for (const line of lines) exchange.line(line);
      exchange.end();
    },
  linesThenReset:
    (...lines: string[]): Fault =>
    (exchange) => {
      exchange.openStream();
      for (const line of lines) exchange.line(line);
      setTimeout(() => exchange.reset(), 5);
    },
};
