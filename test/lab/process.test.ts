/** Servers of tests end with the test process, however it ends, and say why when they do not start. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import { freePort } from "./ports.ts";
import { startServer, temporaryFolder, until } from "./process.ts";

const folder = temporaryFolder("process");
afterAll(() => folder.remove());

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("a server dies with the process that started it, even by SIGKILL", async () => {
  const script = `
    import { startServer, temporaryFolder } from ${JSON.stringify(import.meta.resolve("./process.ts"))};
    const server = await startServer("sleeper", ["sleep", "300"], {
      folder: ${JSON.stringify(folder.path)}, ready: () => true, readyLimitMs: 5000 });
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  expect(alive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await until("the server gone", () => !alive(pid), 10_000);
});

test.for<[string, string[], RegExp]>([
  [
    "a server that ends at once is told with its log",
    ["sh", "-c", "echo no such flag; exit 3"],
    /ended with 3; .*no such flag/s,
  ],
  [
    "a server that never becomes ready is ended and told",
    ["sh", "-c", "echo waiting; exec sleep 300"],
    /not ready after 1 s; .*waiting/s,
  ],
  ["a program that does not exist", ["/nonexistent/program"], /ended with 127|did not start/],
])("%s", async ([, command, message]) => {
  const ready = () => false;
  const own = temporaryFolder("process");
  try {
    await expect(startServer("server", command, { folder: own.path, ready, readyLimitMs: 1_000 })).rejects.toThrow(
      message,
    );
  } finally {
    own.remove();
  }
});

test("a server whose port is taken is told with the port", async () => {
  const port = await freePort();
  const listen = [process.execPath, "--eval", `require("node:net").createServer().listen(${port}, "127.0.0.1")`];
  const own = temporaryFolder("process");
  const options = { folder: own.path, ready: () => isOpen(port), readyLimitMs: 20_000 };
  const first = await startServer("first", listen, options);
  try {
    const second = startServer("second", listen, { ...options, ready: () => false });
    await expect(second).rejects.toThrow(new RegExp(`second ended with 1; .*EADDRINUSE.*127\\.0\\.0\\.1:${port}`, "s"));
  } finally {
    await first.kill();
    own.remove();
  }
});

const isOpen = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
