/** Endpoints go to ConfigMaps, conditions and events: none may carry a key. The API server's side is in test/cluster. */
import { expect, test } from "vitest";
import { hostEndpoint, storeEndpoint } from "../../operator/api/common.ts";

const store = storeEndpoint("s3.endpoint", "URL.");
const host = hostEndpoint("URL.");

test.for<[string, boolean, boolean]>([
  ["https://minio.acme.svc:9000", true, true],
  ["https://[fd00::1]:7943", true, true],
  ["http://azurite:10000/account", true, false],
  ["https://KEY:s3cr3t@host", false, false],
  ["https://s3cr3t@host:7943", false, false],
  ["https://host?sig=s3cr3t", false, false],
  ["https://host/?sv=1&sig=s3cr3t", false, false],
  ["https://host/path;key=s3cr3t", false, false],
  ["https://host/%3Fsig%3Ds3cr3t", false, false],
  ["https://host#s3cr3t", false, false],
  ["s3cr3t@host", false, false],
])("%s: a store's endpoint %s, a control plane's %s; what is refused is not repeated", ([text, ofStore, ofHost]) => {
  const read = [store.safeParse(text), host.safeParse(text)];
  expect(read.map(({ success }) => success)).toEqual([ofStore, ofHost]);
  expect(read.map(({ error }) => error?.message ?? "").join()).not.toContain("s3cr3t");
});
