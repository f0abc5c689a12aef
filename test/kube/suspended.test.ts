import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { until } from "./fake-clock.ts";
import { LeaseWorld } from "./lease-world.ts";
import { StubServer } from "./stub-server.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// The real thing, once: real clock, real signal. 8 writers have a write under way at any moment when it is stopped.
test("a leader stopped by SIGSTOP and woken later sends no write, gives up the lease, and exits", async () => {
  const lease = new LeaseWorld();
  let slow = false;
  const server = await StubServer.start({
    answer: (exchange) => {
      if (exchange.request.path.includes("/leases")) lease.answer(exchange);
      else setTimeout(() => exchange.json(200, { metadata: { name: "b" } }), slow ? 100 : 0);
    },
  });
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("suspended-child.ts", import.meta.url)), server.writeConfig()],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
    });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const writes = () => server.requests.filter((request) => request.path.includes("/deployments")).length;
    await until("it leads and writes", () => said.includes("leads") && writes() > 100, 15_000);
    slow = true; // so that answers, too, wait for it when it wakes
    await pause(50);
    child.kill("SIGSTOP");
    await pause(300); // what had left the process before has arrived by now
    const before = writes();
    await pause(2_200); // more than the renew deadline; nobody takes the lease meanwhile
    said = "";
    child.kill("SIGCONT");
    expect(await exited).toBe(3);
    expect(writes()).toBe(before);
    expect(said).toContain("lost");
  } finally {
    child.kill("SIGKILL");
    await server.close();
  }
});
