/** Azure Blob storage for tests: Azurite, Microsoft's own emulator, in memory, one account per name. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { freePort } from "./ports.ts";
import { REPOSITORY, type Server, startServer, temporaryFolder } from "./process.ts";

const START_LIMIT_MS = 60_000; // Azurite loads hundreds of files: seconds on a cold disk

export interface AzuriteServer {
  /** `http://127.0.0.1:<port>/<account>`: what `azureBlob.endpoint` takes. Path style, as Azurite has no DNS names. */
  endpoint(account: string): string;
  /** Base64 key of the account. */
  accountKey(account: string): string;
  /** For freeze(), resume(), kill(), start(). In memory: a new start is empty. */
  process: Server;
  /** A client of the official SDK for preparing and looking at blobs. */
  client(account: string): BlobServiceClient;
  stop(): Promise<void>;
}

/**
 * Starts Azurite with these accounts and containers (made in each account). Azurite knows account keys only: rights per
 * role cannot be told apart here, so tests of denied access use a wrong key or the S3 server.
 */
export async function startAzurite(
  accounts: string[],
  containers: string[],
  host = "127.0.0.1",
): Promise<AzuriteServer> {
  const folder = temporaryFolder("azurite");
  const port = await freePort();
  const keys = new Map(accounts.map((account) => [account, randomBytes(64).toString("base64")]));
  const accountKey = (account: string): string => {
    const key = keys.get(account);
    if (key === undefined) throw new Error(`Azurite has no account "${account}": it has ${accounts.join(", ")}`);
    return key;
  };
  const endpoint = (account: string) => `http://${host}:${port}/${account}`;
  const client = (account: string) =>
    new BlobServiceClient(endpoint(account), new StorageSharedKeyCredential(account, accountKey(account)));
  const server = await startServer(
    "azurite",
    [
      process.execPath,
      join(REPOSITORY, "node_modules/azurite/dist/src/blob/main.js"),
      ...["--blobHost", host, "--blobPort", String(port), "--inMemoryPersistence"],
      ...["--skipApiVersionCheck", "--disableTelemetry", "--silent"],
    ],
    {
      folder: folder.path,
      env: { AZURITE_ACCOUNTS: [...keys].map(([account, key]) => `${account}:${key}`).join(";") },
      ready: async () => (await fetch(`http://${host}:${port}/`)).status > 0,
      readyLimitMs: START_LIMIT_MS,
    },
  );
  try {
    for (const account of accounts) {
      for (const container of containers) await client(account).getContainerClient(container).create();
    }
  } catch (error) {
    await server.kill();
    folder.remove();
    throw error;
  }
  return {
    endpoint,
    accountKey,
    process: server,
    client,
    stop: async () => {
      await server.stop();
      folder.remove();
    },
  };
}
