import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below what the kernel gives to outgoing connections (32,768 and above), and below NodePorts (30,000): a connection of
 * somebody else cannot take it before its server listens, nor while that server is down for a story.
 */
const FIRST = 20_000;
const MANY = 9_500;

/** Processes begin apart, and one process never hands out the same port twice in a row of so many. */
let next = randomInt(MANY);

/** A port on which nobody listens, on any address. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < MANY; tried += 1) {
    const port = FIRST + (next % MANY);
    next += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port between ${FIRST} and ${FIRST + MANY} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => done(true)));
  });
}
