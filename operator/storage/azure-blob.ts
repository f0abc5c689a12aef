/** Azure Blob Storage with an account key. */
import type { Readable } from "node:stream";
import {
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  type ContainerListBlobFlatSegmentResponse,
  newPipeline,
  type RequestPolicyFactory,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { azureCode, explainAzure } from "./azure-faults.ts";
import { readBounded } from "./body.ts";
import { type Attempt, changedMeanwhile, guarded, statusOf } from "./failure.ts";
import { dateOf, type Headers, required, versionOf } from "./headers.ts";
import type { AzureBlobSettings } from "./settings.ts";
import * as store from "./store.ts";
import { type Limits, makeAgent } from "./transport.ts";

export class AzureBlobStore implements store.SnapshotStore {
  readonly #settings: AzureBlobSettings;
  readonly #endpoint: string;
  readonly #limits: Limits;
  readonly #agent: ReturnType<typeof makeAgent>;
  #client: BlobServiceClient | undefined;

  constructor(settings: AzureBlobSettings, limits: Limits) {
    this.#settings = settings;
    this.#endpoint = settings.endpoint ?? `https://${settings.accountName}.blob.core.windows.net`;
    this.#limits = limits;
    this.#agent = makeAgent(!this.#endpoint.startsWith("http://"), limits, settings.caBundle);
  }

  read(which: store.Which, key: string, options: store.ReadOptions, signal: AbortSignal): Promise<store.ReadResult> {
    const attempt = this.#attempt("read", which, key);
    const { ifNoneMatch, maxBytes = store.DEFAULT_MAX_BYTES } = options;
    return this.#guarded(attempt, signal, async (callSignal) => {
      const blob = this.#blob(attempt, key);
      try {
        const answer = await blob.download(0, undefined, {
          abortSignal: callSignal,
          // Resuming a broken body would hide that the connection is bad and stretch the call beyond its limits.
          maxRetryRequests: 0,
          ...(ifNoneMatch !== undefined && { conditions: { ifNoneMatch } }),
        });
        const stream = answer.readableStreamBody as Readable;
        const body = await readBounded(stream, answer.contentLength, { maxBytes, ...this.#limits }, callSignal);
        return { state: "found", ...versionOf(answer._response.headers.toJson()), body };
      } catch (error) {
        if (isAbsent(error)) return { state: "absent" };
        if (statusOf(error) !== 304) throw error;
        return { state: "notModified", ...(await this.#unchanged(blob, headersOf(error), ifNoneMatch, callSignal)) };
      }
    });
  }

  head(which: store.Which, key: string, signal: AbortSignal): Promise<store.HeadResult> {
    const attempt = this.#attempt("look up", which, key);
    return this.#guarded(attempt, signal, async (callSignal) => this.#head(this.#blob(attempt, key), callSignal));
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
      // One request, also for large bodies: blocks put one after another could be committed half written.
      const answer = await this.#blob(attempt, key).upload(body, body.byteLength, {
        abortSignal: callSignal,
        conditions: condition,
        blobHTTPHeaders: { blobContentType: "application/json" },
      });
      return { etag: required(answer._response.headers.toJson(), "etag") };
    });
  }

  list(which: store.Which, prefix: string, signal: AbortSignal): Promise<readonly store.Listed[]> {
    const attempt = this.#attempt("list", which);
    return this.#guarded(attempt, signal, async (callSignal) => {
      const pages = this.#container(attempt)
        .listBlobsFlat({ prefix, abortSignal: callSignal })
        .byPage({ maxPageSize: store.LIST_MAX });
      const { value: page } = await pages.next();
      const { blobItems } = (page as ContainerListBlobFlatSegmentResponse).segment;
      return blobItems.map(({ name: key, properties: { lastModified } }) => ({ key, lastModified }));
    });
  }

  remove(which: store.Which, key: string, signal: AbortSignal): Promise<void> {
    const attempt = this.#attempt("remove", which, key);
    return this.#guarded(attempt, signal, async (callSignal) => {
      try {
        await this.#blob(attempt, key).delete({ abortSignal: callSignal });
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
  }

  async check(signal: AbortSignal): Promise<store.StoreCheck> {
    const [resource, config] = await Promise.all([this.#check("resource", signal), this.#check("config", signal)]);
    return { resource, config };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #check(which: store.Which, signal: AbortSignal): Promise<store.BucketCheck> {
    const attempt = this.#attempt("list", which);
    try {
      return await this.#guarded(attempt, signal, async (callSignal) => {
        const { _response } = await this.#container(attempt).getProperties({ abortSignal: callSignal });
        return { state: "reachable", clockSkewMs: Date.now() - dateOf(_response.headers.toJson(), "date").getTime() };
      });
    } catch (error) {
      if (error instanceof store.StorageError) return { state: "refused", error };
      throw error;
    }
  }

  async #head(blob: BlockBlobClient, signal: AbortSignal): Promise<store.HeadResult> {
    try {
      const { contentLength, _response } = await blob.getProperties({ abortSignal: signal });
      return { state: "found", sizeBytes: contentLength ?? 0, ...versionOf(_response.headers.toJson()) };
    } catch (error) {
      if (isAbsent(error)) return { state: "absent" };
      throw statusOf(error) === 403 ? await this.#reason(blob, error, signal) : error;
    }
  }

  /** A refused HEAD has a code in a header and no body; whether it is the key or the clock stands in the body alone. */
  async #reason(blob: BlockBlobClient, refused: unknown, signal: AbortSignal): Promise<unknown> {
    try {
      const answer = await blob.download(0, 1, { abortSignal: signal, maxRetryRequests: 0 });
      await readBounded(
        answer.readableStreamBody as Readable,
        undefined,
        { maxBytes: store.DEFAULT_MAX_BYTES, ...this.#limits },
        signal,
      );
      return refused;
    } catch (error) {
      return statusOf(error) === 403 ? error : refused;
    }
  }

  async #unchanged(
    blob: BlockBlobClient,
    headers: Headers,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<store.ObjectVersion> {
    if (headers["last-modified"] !== undefined && headers["etag"] !== undefined) return versionOf(headers);
    const found = await this.#head(blob, signal);
    if (found.state === "absent" || found.etag !== etag) throw changedMeanwhile();
    return { etag, lastModified: found.lastModified, serverDate: found.serverDate };
  }

  #container(attempt: Attempt): ContainerClient {
    this.#client ??= this.#connect();
    return this.#client.getContainerClient(attempt.name);
  }

  /** Not in the constructor: it throws on an endpoint that is no URL, which is an answer of the first call. */
  #connect(): BlobServiceClient {
    const { accountName, credentials } = this.#settings;
    const credential = new StorageSharedKeyCredential(accountName, credentials.accountKey);
    const pipeline = newPipeline(credential, { retryOptions: { maxTries: 1 } });
    pipeline.factories.push(through(this.#agent));
    return new BlobServiceClient(this.#endpoint, pipeline);
  }

  #blob(attempt: Attempt, key: string): BlockBlobClient {
    return this.#container(attempt).getBlockBlobClient(key);
  }

  #attempt(verb: Attempt["verb"], which: store.Which, key?: string): Attempt {
    const { resourceContainer, configContainer } = this.#settings;
    return {
      verb,
      container: "container",
      name: which === "resource" ? resourceContainer : configContainer,
      ...(key !== undefined && { key }),
      where: this.#endpoint,
      hostFrom: this.#settings.endpoint === undefined ? "account name" : "endpoint",
    };
  }

  #guarded<T>(attempt: Attempt, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return guarded(attempt, (error) => explainAzure(error, attempt), this.#limits, signal, call);
  }
}

/** Also keeps the library's proxy policy out, which would follow HTTPS_PROXY. */
function through(agent: ReturnType<typeof makeAgent>): RequestPolicyFactory {
  return {
    create: (next) => ({
      sendRequest: (request) => {
        request.agent = agent;
        return next.sendRequest(request);
      },
    }),
  };
}

function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && azureCode(error) === "BlobNotFound";
}

function headersOf(error: unknown): Headers {
  const { response } = error as { response?: { headers?: { toJSON(): Record<string, string> } } };
  return response?.headers?.toJSON() ?? {};
}
