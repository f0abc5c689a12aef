// A leader that writes as fast as it can. Started, stopped and woken by suspended.test.ts; argv: kubeconfig.
import { KubeClient } from "../../operator/kube/client.ts";
import { sleep, systemClock } from "../../operator/kube/clock.ts";
import { LeaderElector } from "../../operator/kube/lease.ts";
import { deployments } from "../../operator/kube/resources.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { createLog } from "../../operator/log.ts";

const config = { from: "file" as const, path: process.argv[2] ?? "" };
const plain = KubeClient.create({ config, gate: openGate });
const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400, gateMarginMs: 500 };
const log = createLog({ write: () => undefined });
const elector = new LeaderElector({ client: plain, namespace: "ns", name: "leader", clock: systemClock, log, times });
const client = plain.withGate(elector.gate);

elector.lost.addEventListener("abort", () => {
  process.stdout.write("lost\n", () => process.exit(3));
});
await elector.acquire(new AbortController().signal);
process.stdout.write("leads\n");

const write = async () => {
  for (;;) {
    const outcome = await client.updateScale(deployments, { namespace: "a", name: "b", resourceVersion: "1" }, 1).then(
      () => "sent",
      (error: { fault: string }) => error.fault,
    );
    if (outcome === "GateClosed") {
      process.stdout.write("refused\n");
      await sleep(systemClock, 20);
    }
  }
};
await Promise.all(Array.from({ length: 8 }, write));
