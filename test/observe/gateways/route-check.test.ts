import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requestRoute } from "../../../operator/observe/gateways/route-check.ts";

const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.headers.host} ${request.url}`);
  response.writeHead(request.url === "/silent" ? 204 : 200).end();
});
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => void server.close());
const request = (check: { host?: string; path: string }) =>
  requestRoute("127.0.0.1", port, { ...check, expectStatus: 200 }, new AbortController().signal);

test("the route is asked with its host", async () => {
  expect(await request({ host: "acme.io", path: "/get?x=1" })).toBe(200);
  expect(await request({ path: "/silent" })).toBe(204);
  expect(asked[0]).toBe("acme.io /get?x=1");
});

/** The schema refuses these; an object that is older than the schema may hold them, and must not end the process. */
test.for([
  ["a path that is no ASCII", { path: "/\u5065\u5eb7" }],
  ["a host that is no ASCII", { host: "\u5065.io", path: "/" }],
  ["a host with a line break", { host: "a\r\nx: y", path: "/" }],
] as const)("%s is no answer", async ([, check]) => {
  expect(await request(check)).toBeUndefined();
});
