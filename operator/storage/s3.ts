/** AWS S3 and servers that speak its protocol. */
import type { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { readBounded } from "./body.ts";
import { type Attempt, changedMeanwhile, Failure, guarded, statusOf } from "./failure.ts";
import { dateOf, type Headers, required, versionOf } from "./headers.ts";
import { codeOf, explainS3 } from "./s3-faults.ts";
import type { S3Settings } from "./settings.ts";
import * as store from "./store.ts";
import { type Limits, makeAgent } from "./transport.ts";

/** What the server answered, good or bad; a call that got no answer at all throws. */
type Answer<Output> =
  | { ok: true; output: Output; headers: Headers }
  | { ok: false; error: unknown; status: number; code: string | undefined; headers: Headers };

export class S3Store implements store.SnapshotStore {
  readonly #settings: S3Settings;
  readonly #limits: Limits;
  readonly #agent: ReturnType<typeof makeAgent>;
  readonly #client: S3Client;
  /** Headers of good answers by output: the library keeps them from its callers, and we need the Date. */
  readonly #headers = new WeakMap<object, Headers>();

  constructor(settings: S3Settings, limits: Limits) {
    const secure = !settings.endpoint?.startsWith("http://");
    this.#settings = settings;
    this.#limits = limits;
    this.#agent = makeAgent(secure, limits, settings.caBundle);
    this.#client = new S3Client({
      region: settings.region,
      ...(settings.endpoint !== undefined && { endpoint: settings.endpoint }),
      forcePathStyle: settings.forcePathStyle,
      credentials: { ...settings.credentials },
      // No limits and no retries of its own: the agent's hold for connecting and for silence, the call's signal for the whole.
      maxAttempts: 1,
      requestHandler: secure ? { httpsAgent: this.#agent } : { httpAgent: this.#agent },
      // Many S3-compatible servers do not know the newer checksum trailers; the body is covered by the signature on
      // the way up and by its length on the way down.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      // A wrong region is a mistake to be told, not one to be worked around: the gateway would not.
      followRegionRedirects: false,
    });
    this.#client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        if (result.output) this.#headers.set(result.output, headersOf(result.response));
        return result;
      },
      { name: "keepHeaders", step: "deserialize", priority: "high" },
    );
  }

  read(which: store.Which, key: string, options: store.ReadOptions, signal: AbortSignal): Promise<store.ReadResult> {
    const attempt = this.#attempt("read", which, key);
    const { ifNoneMatch, maxBytes = store.DEFAULT_MAX_BYTES } = options;
    return this.#guarded(attempt, signal, async (callSignal) => {
      const condition = ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch };
      const command = new GetObjectCommand({ Bucket: attempt.name, Key: key, ...condition });
      const answer = await this.#ask(this.#client.send(command, { abortSignal: callSignal }));
      if (answer.ok) {
        const { output, headers } = answer;
        const body = await readBounded(
          output.Body as Readable,
          output.ContentLength,
          { maxBytes, ...this.#limits },
          callSignal,
        );
        return { state: "found", ...versionOf(headers), body };
      }
      if (answer.code === "NoSuchKey") return { state: "absent" };
      if (answer.status !== 304) throw explainS3(answer.error, attempt, answer.headers);
      return {
        state: "notModified",
        ...(await this.#unchanged(attempt, key, answer.headers, ifNoneMatch, callSignal)),
      };
    });
  }

  head(which: store.Which, key: string, signal: AbortSignal): Promise<store.HeadResult> {
    const attempt = this.#attempt("look up", which, key);
    return this.#guarded(attempt, signal, (callSignal) => this.#head(attempt, key, callSignal));
  }

  write(
    which: store.Which,
    key: string,
    body: Uint8Array,
    condition: store.WriteCondition,
    signal: AbortSignal,
  ): Promise<{ etag: string }> {
    const attempt = this.#attempt("write", which, key);
    return this.#guarded(attempt, signal, async (callSignal) => {
      const put = (conditions: object) => {
        const object = { Bucket: attempt.name, Key: key, Body: body, ContentType: "application/json" };
        const command = new PutObjectCommand({ ...object, ...conditions });
        return this.#ask(this.#client.send(command, { abortSignal: callSignal }));
      };
      const { ifMatch, ifNoneMatch } = condition as { ifMatch?: string; ifNoneMatch?: "*" };
      const conditions = {
        ...(ifMatch !== undefined && { IfMatch: ifMatch }),
        ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
      };
      let answer = await put(conditions);
      if (!answer.ok && answer.status === 501 && Object.keys(conditions).length > 0) {
        // Some S3-compatible servers know no conditional writes: a look just before leaves no more than a moment.
        const found = await this.#head(attempt, key, callSignal);
        const etag = found.state === "found" ? found.etag : undefined;
        if (etag !== ifMatch) throw new Failure("PreconditionFailed", "the object is another one than was seen");
        answer = await put({});
      }
      if (!answer.ok) throw explainS3(answer.error, attempt, answer.headers);
      return { etag: required(answer.headers, "etag") };
    });
  }

  list(which: store.Which, prefix: string, signal: AbortSignal): Promise<readonly store.Listed[]> {
    const attempt = this.#attempt("list", which);
    return this.#guarded(attempt, signal, async (callSignal) => {
      const command = new ListObjectsV2Command({ Bucket: attempt.name, Prefix: prefix, MaxKeys: store.LIST_MAX });
      const answer = await this.#ask(this.#client.send(command, { abortSignal: callSignal }));
      if (!answer.ok) throw explainS3(answer.error, attempt, answer.headers);
      return (answer.output.Contents ?? []).flatMap(({ Key: key, LastModified: lastModified }) =>
        key === undefined || lastModified === undefined ? [] : [{ key, lastModified }],
      );
    });
  }

  remove(which: store.Which, key: string, signal: AbortSignal): Promise<void> {
    const attempt = this.#attempt("remove", which, key);
    return this.#guarded(attempt, signal, async (callSignal) => {
      const command = new DeleteObjectCommand({ Bucket: attempt.name, Key: key });
      const answer = await this.#ask(this.#client.send(command, { abortSignal: callSignal }));
      if (!answer.ok && answer.code !== "NoSuchKey") throw explainS3(answer.error, attempt, answer.headers);
    });
  }

  async check(signal: AbortSignal): Promise<store.StoreCheck> {
    const [resource, config] = await Promise.all([this.#check("resource", signal), this.#check("config", signal)]);
    return { resource, config };
  }

  close(): void {
    this.#client.destroy();
    this.#agent.destroy();
  }

  async #check(which: store.Which, signal: AbortSignal): Promise<store.BucketCheck> {
    const attempt = this.#attempt("list", which);
    try {
      return await this.#guarded(attempt, signal, async (callSignal) => {
        // Not HeadBucket: a refused HEAD has no body and so no word about why.
        const command = new ListObjectsV2Command({ Bucket: attempt.name, MaxKeys: 1 });
        const answer = await this.#ask(this.#client.send(command, { abortSignal: callSignal }));
        if (!answer.ok) throw explainS3(answer.error, attempt, answer.headers);
        return { state: "reachable", clockSkewMs: Date.now() - dateOf(answer.headers, "date").getTime() };
      });
    } catch (error) {
      if (error instanceof store.StorageError) return { state: "refused", error };
      throw error;
    }
  }

  async #head(attempt: Attempt, key: string, signal: AbortSignal): Promise<store.HeadResult> {
    const command = new HeadObjectCommand({ Bucket: attempt.name, Key: key });
    const answer = await this.#ask(this.#client.send(command, { abortSignal: signal }));
    if (answer.ok) {
      return { state: "found", sizeBytes: answer.output.ContentLength ?? 0, ...versionOf(answer.headers) };
    }
    // An answer to HEAD has no body: 404 is the missing object as well as the missing bucket, 403 is anything. The
    // same question as GET says which; one byte is asked for in case the object appears in between.
    const again = new GetObjectCommand({ Bucket: attempt.name, Key: key, Range: "bytes=0-0" });
    const reason = await this.#ask(this.#client.send(again, { abortSignal: signal }));
    if (reason.ok) {
      await readBounded(
        reason.output.Body as Readable,
        undefined,
        { maxBytes: store.DEFAULT_MAX_BYTES, ...this.#limits },
        signal,
      );
      throw explainS3(answer.error, attempt, answer.headers);
    }
    if (reason.code === "NoSuchKey") return { state: "absent" };
    throw explainS3(reason.error, attempt, reason.headers);
  }

  /** The exporter writes the same bytes again each interval: LastModified moves while the ETag stays. */
  async #unchanged(
    attempt: Attempt,
    key: string,
    headers: Headers,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<store.ObjectVersion> {
    // AWS repeats both on a 304; HTTP does not ask for it.
    if (headers["last-modified"] !== undefined && headers["etag"] !== undefined) return versionOf(headers);
    const found = await this.#head(attempt, key, signal);
    if (found.state === "absent" || found.etag !== etag) throw changedMeanwhile();
    return { etag, lastModified: found.lastModified, serverDate: found.serverDate };
  }

  async #ask<Output extends object>(sent: Promise<Output>): Promise<Answer<Output>> {
    try {
      const output = await sent;
      return { ok: true, output, headers: this.#headers.get(output) ?? {} };
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw error;
      const headers = headersOf((error as { $response?: unknown }).$response);
      return { ok: false, error, status, code: codeOf(error), headers };
    }
  }

  #attempt(verb: Attempt["verb"], which: store.Which, key?: string): Attempt {
    const { endpoint, region, forcePathStyle, resourceBucket, configBucket } = this.#settings;
    const bucketInHost = endpoint !== undefined && !forcePathStyle;
    return {
      verb,
      container: "bucket",
      name: which === "resource" ? resourceBucket : configBucket,
      ...(key !== undefined && { key }),
      where: endpoint ?? `AWS region ${region}`,
      region,
      hostFrom: bucketInHost ? "endpoint, or set forcePathStyle" : endpoint === undefined ? "region" : "endpoint",
    };
  }

  #guarded<T>(attempt: Attempt, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return guarded(attempt, (error) => explainS3(error, attempt, {}), this.#limits, signal, call);
  }
}

function headersOf(response: unknown): Headers {
  return (response as { headers?: Headers } | undefined)?.headers ?? {};
}
