/** Candidates for one lease, each with a clock of its own: the set-up of the tests lease-*.test.ts. */
import { KubeClient } from "../../operator/kube/client.ts";
import { LeaderElector, type LeaseTimes } from "../../operator/kube/lease.ts";
import { LeaseGate } from "../../operator/kube/lease-gate.ts";
import { deployments } from "../../operator/kube/resources.ts";
import { createLog } from "../../operator/log.ts";
import { cleanUp } from "./clean-up.ts";
import { FakeClock } from "./fake-clock.ts";
import { LeaseWorld } from "./lease-world.ts";
import { StubServer } from "./stub-server.ts";

export async function bench() {
  const world = new LeaseWorld();
  const server = await StubServer.start({ answer: world.answer });
  cleanUp.push(() => server.close());
  const clocks: FakeClock[] = [];
  const candidate = (identity: string, times: Partial<LeaseTimes> = {}) => {
    const clock = new FakeClock();
    clocks.push(clock);
    const logs: string[] = [];
    const log = createLog({ write: (line) => logs.push(line), level: "debug" });
    const config = { from: "file" as const, path: server.writeConfig() };
    const plain = KubeClient.create({ config, gate: new LeaseGate(clock, 1), clock }); // a gate that stays closed
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
  /** Time for everybody, in small steps, with room for the network. */
  const pass = async (ms: number, ...only: FakeClock[]) => {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const clock of only.length > 0 ? only : clocks) await clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await quiet();
  };
  /** Until no answer is under way. */
  const quiet = async () => {
    let before = -1;
    while (before !== server.requests.length) {
      before = server.requests.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const isLease = (request: { path: string }) => request.path.includes("/leases");
  return { world, server, candidate, pass, quiet, isLease };
}
