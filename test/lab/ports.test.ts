import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "./ports.ts";

test("free ports are never handed out twice, nor are they ones that the kernel gives to outgoing connections", async () => {
  const ports = await Promise.all(Array.from({ length: 40 }, () => freePort()));
  expect(new Set(ports).size).toBe(40);
  for (const port of ports) expect(port >= 20_000 && port < 30_000, `${port}`).toBe(true);
});

test("a port on which somebody listens is passed over, whatever its address", async () => {
  const first = await freePort();
  const server = createServer();
  await new Promise<void>((done) => void server.listen(first + 1, "127.0.0.1", done));
  try {
    expect(await freePort()).not.toBe(first + 1);
  } finally {
    await new Promise((done) => server.close(done));
  }
});
