/** Asks gateways over HTTP from within the cluster: once, or again and again with a tally. */
import { request as requestOf } from "node:http";

/** An HTTP status, or what came instead of one: ECONNREFUSED, ECONNRESET, timeout. */
export interface Reply {
  status: number | string;
  body: string;
}

export interface Question {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The second half of the body follows so much later: the request is in flight until then. */
  bodyPauseMs?: number;
  timeoutMs?: number;
}

const BODY_MAX_BYTES = 32 * 1024 * 1024;

/** Always on a connection of its own. Never rejects. */
export function ask({
  url,
  method = "GET",
  headers = {},
  body,
  bodyPauseMs = 0,
  timeoutMs = 5_000,
}: Question): Promise<Reply> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = requestOf(url, { method, agent: false, signal, headers: { ...headers, ...length } }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > BODY_MAX_BYTES) outgoing.destroy();
        else chunks.push(chunk);
      });
      answer.on("error", () => resolve({ status: "ECONNRESET", body: "" }));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      resolve({ status: signal.aborted ? "timeout" : (error.code ?? error.name), body: "" });
    });
    if (body === undefined || bodyPauseMs === 0) {
      outgoing.end(body);
      return;
    }
    const half = Math.floor(body.length / 2);
    outgoing.write(body.slice(0, half));
    setTimeout(() => outgoing.end(body.slice(half)), bodyPauseMs);
  });
}

/** The same answer again and again is one row. */
export interface TallyRow {
  status: number | string;
  fromMs: number;
  toMs: number;
  count: number;
}

/** Asks until it is stopped, `intervalMs` after each answer. */
export class Watch {
  readonly rows: TallyRow[] = [];
  private stopped = false;

  constructor(question: Question, intervalMs: number) {
    void this.run(question, intervalMs);
  }

  stop(): void {
    this.stopped = true;
  }

  private async run(question: Question, intervalMs: number): Promise<void> {
    while (!this.stopped) {
      const { status } = await ask(question);
      if (this.stopped) return;
      const now = Date.now();
      const last = this.rows.at(-1);
      if (last?.status === status) {
        last.count += 1;
        last.toMs = now;
      } else this.rows.push({ status, fromMs: now, toMs: now, count: 1 });
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  }
}
