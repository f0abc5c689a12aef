/** The Azure emulator of the tests starts, keeps blobs apart by account, and checks keys. */
import { randomBytes } from "node:crypto";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { expect, test } from "vitest";
import { startAzurite } from "./azurite.ts";

test("accounts have their own containers, and a wrong key is refused", async () => {
  const azurite = await startAzurite(["acme", "other"], ["resources"]);
  try {
    const blob = (account: string) =>
      azurite.client(account).getContainerClient("resources").getBlockBlobClient("edge");
    await blob("acme").upload("{}", 2);
    expect((await blob("acme").getProperties()).contentLength).toBe(2);
    expect(await blob("other").exists()).toBe(false);

    const wrong = new StorageSharedKeyCredential("acme", randomBytes(64).toString("base64"));
    const stranger = new BlobServiceClient(azurite.endpoint("acme"), wrong).getContainerClient("resources");
    await expect(stranger.getProperties()).rejects.toMatchObject({ statusCode: 403 });
  } finally {
    await azurite.stop();
  }
});
