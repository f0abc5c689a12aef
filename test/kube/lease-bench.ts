/** Candidates for one lease, each with a clock of its own: the set-up of the tests lease-*.test.ts. */
import { KubeClient } from "../../operator/kube/client.ts";
import { LeaderElector, type LeaseTimes } from "../../operator/kube/lease.ts";
import { LeaseGate } from "../../operator/kube/lease-gate.ts";
import { deployments } from "../../operator/kube/resources.ts";
import type { WriteGate } from "../../operator/kube/write-gate.ts";
import { createLog } from "../../operator/log.ts";
import { cleanUp } from "./clean-up.ts";
import { FakeClock, settle, until } from "./fake-clock.ts";
import { LeaseWorld } from "./lease-world.ts";
import { StubServer } from "./stub-server.ts";

export async function bench() {
  const world = new LeaseWorld();
  const server = await StubServer.start({ answer: world.answer });
  cleanUp.push(() => server.close());
  const clocks: FakeClock[] = [];
  const calls = { underWay: 0 };
  const candidate = (identity: string, times: Partial<LeaseTimes> = {}) => {
    const clock = new FakeClock();
    clocks.push(clock);
    const logs: string[] = [];
    const log = createLog({ write: (line) => logs.push(line), level: "debug" });
    const config = { from: "file" as const, path: server.writeConfig() };
    const gate = new LeaseGate(clock, 1); // one that stays closed
    const plain = counted(KubeClient.create({ config, gate, clock }), calls);
    const elector = new LeaderElector({ client: plain, namespace: "ns", name: "leader", identity, clock, log, times });
    const client = plain.withGate(elector.gate);
    const stop = new AbortController();
    let won: boolean | undefined;
    const run = () => {
      void elector.acquire(stop.signal).then((result) => {
        won = result;
      });
    };
    const write = () => client.updateScale(deployments, { namespace: "a", name: "b", resourceVersion: "1" }, 1);
    cleanUp.push(async () => {
      stop.abort();
      await elector.stop();
      await client.close();
    });
    return { clock, elector, logs, run, stop, write, won: () => won };
  };
  /** Time for everybody, in small steps; what each step sets going comes to its end before the next. */
  const pass = async (ms: number, ...only: FakeClock[]) => {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const clock of only.length > 0 ? only : clocks) await clock.advance(250);
      await quiet();
    }
  };
  /** Until every call has ended that the server does not hold, and what follows from its answer is done. */
  const quiet = async () => {
    const isQuiet = () => calls.underWay === server.unanswered;
    for (await settle(); !isQuiet(); await settle()) await until("an end of all calls that are not held", isQuiet);
  };
  const isLease = (request: { path: string }) => request.path.includes("/leases");
  return { world, server, candidate, pass, quiet, isLease };
}

/** The same client, which counts its calls until they have ended. */
function counted(client: KubeClient, calls: { underWay: number }): KubeClient {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name === "withGate") return (gate: WriteGate) => counted(target.withGate(gate), calls);
      if (typeof member !== "function") return member;
      return async (...given: unknown[]) => {
        calls.underWay += 1;
        try {
          return await member.apply(target, given);
        } finally {
          calls.underWay -= 1;
        }
      };
    },
  });
}
