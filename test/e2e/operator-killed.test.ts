import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { lab, signal } from "../stage/faults.ts";
import { FULL, isTrue, lives, lost } from "../stage/says.ts";
import { Stage } from "../stage/stage.ts";
import { isReady } from "../stage/story.ts";
import { saveReport, underLoad } from "../stage/watch.ts";
import { inWords, writesSince } from "../stage/writes.ts";

/** The operator dies or sleeps in the middle of a move, or the API server is away: the end is the same, nothing is lost. */
let stage: Stage;
const OPERATOR = "run"; // the argument of its process

beforeAll(async () => {
  stage = await Stage.surroundings("killed");
  await stage.installOperator();
  const rolling = { fallback: { ...FALLBACK, rollout: { type: "Rolling", startAfterSeconds: 0, maxSurge: 1 } } };
  await stage.applyGroup({ replicas: 3, spec: rolling });
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "killed-setup");
    throw error;
  });
});
afterAll(() => stage?.end());

const FALLBACK = {
  storageRef: { name: "eu" },
  outageAfterSeconds: 10,
  recovery: { afterSeconds: 10 },
  rehearsal: { minIntervalSeconds: 0 },
};
const failing = () => onTestFailed(() => saveReport(stage, "killed"));
const settled = (source: "fromSnapshot" | "fromControlPlane", mode: string) =>
  stage.until(`${mode}, three pods ${source}`, 180, async (status) => {
    const { traffic } = status;
    return status.mode === mode && traffic?.[source] === 3 && (await stage.pods()).length === 3;
  });
const killLeader = async () => signal(await stage.leader(), OPERATOR, "SIGKILL");

test.runIf(FULL)("the leader is killed in the middle of a flip and of a return that move pods", async () => {
  failing();
  const load = await underLoad(stage, 40, async () => {
    await stage.controlPlane.kill();
    await stage.until("some pods moved", 90, ({ traffic }) => traffic?.fromSnapshot >= 1 && traffic.fromSnapshot < 3);
    await killLeader();
    await settled("fromSnapshot", "Fallback");
    await stage.controlPlane.start();
    await stage.until("some pods back", 120, ({ mode, traffic }) => mode === "ToNormal" && traffic?.fromSnapshot < 3);
    await killLeader();
    await settled("fromControlPlane", "Normal");
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
  const moves: Json[] = (await stage.status()).history.map((step: Json) => step.to);
  expect(moves.slice(0, 4)).toEqual(["Normal", "ToNormal", "Fallback", "ToFallback"]);
});

test.runIf(FULL)("the leader is killed at the moment when the outage begins to count", async () => {
  failing();
  const load = await underLoad(stage, 40, async () => {
    await stage.controlPlane.kill();
    await stage.until("waiting for the dwell", 60, (status) => status.controlPlane?.verdict === "Unreachable");
    await killLeader();
    await settled("fromSnapshot", "Fallback");
    await stage.controlPlane.start();
    await settled("fromControlPlane", "Normal");
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
});

test.runIf(FULL)("a leader that sleeps for 40 s in the middle of a flip writes nothing when it wakes", async () => {
  failing();
  const load = await underLoad(stage, 40, async () => {
    const sleeper = await stage.leader();
    await stage.controlPlane.kill();
    await stage.untilMode("ToFallback", 60);
    signal(sleeper, OPERATOR, "SIGSTOP");
    const asleep = new Date();
    try {
      await stage.cluster.wait(
        "another one leads",
        async () => {
          return (await stage.leader()).metadata.uid !== sleeper.metadata.uid;
        },
        60,
      );
      await settled("fromSnapshot", "Fallback");
      const left = 40_000 - (Date.now() - asleep.getTime());
      if (left > 0) await sleep(left);
    } finally {
      signal(sleeper, OPERATOR, "SIGCONT");
    }
    const woken = new Date();
    await sleep(10_000);
    // In a settled fallback nobody has anything to write: whatever is there came late.
    expect(inWords(writesSince(stage, woken))).toEqual([]);
    const [after] = (await stage.operators()).filter((pod: Json) => pod.metadata.uid === sleeper.metadata.uid);
    expect(after?.status.containerStatuses[0].restartCount).toBeGreaterThan(0);
    await stage.controlPlane.start();
    await settled("fromControlPlane", "Normal");
  });
  expect(lost(load)).toEqual([]);
  await stage.untilProven();
});

const nodesHeard = (since: Date) =>
  stage.cluster.wait(
    "all kubelets renew their Leases",
    async () => {
      const found = await stage.cluster.list("kube-node-lease", "leases");
      return found.length > 0 && found.every(({ spec }) => new Date(spec.renewTime) > since);
    },
    90,
  );

/** Ready pods at the worst moment of it. */
async function fewestReady(happens: () => Promise<void>): Promise<number> {
  const watching = new AbortController();
  let fewest = Number.POSITIVE_INFINITY;
  const watcher = (async () => {
    for (; !watching.signal.aborted; await sleep(500)) {
      const pods = await stage.pods().catch(() => undefined); // not known just now
      const ready = pods?.filter((pod: Json) => isReady(pod) && !pod.metadata.deletionTimestamp);
      fewest = Math.min(fewest, ready?.length ?? fewest);
    }
  })();
  try {
    await happens();
  } finally {
    watching.abort();
    await watcher;
  }
  return fewest;
}

test.runIf(FULL)(
  "the API server is away for 60 s of an outage: nothing that serves moves, then it goes on",
  async () => {
    failing();
    const load = await underLoad(stage, 40, async () => {
      await stage.controlPlane.kill();
      await stage.until("the outage is seen", 60, (status) => status.controlPlane?.verdict === "Unreachable");
      // Back before the kubelets, the node controller would call all nodes dead and take every pod out of its Service:
      // Kubernetes' own doing, and a race of the lab's. It comes back once the nodes have been heard.
      await lab("stop", "controller-manager");
      let serving: string[] = [];
      let after: string[] = [];
      try {
        serving = lives((await stage.pods()).filter(isReady));
        await lab("stop", "apiserver");
        await sleep(60_000);
      } finally {
        await lab("start", "apiserver");
        try {
          await nodesHeard(new Date());
          after = lives((await stage.pods()).filter(isReady));
        } finally {
          await lab("start", "controller-manager");
        }
      }
      // What a kubelet counts as a restart would show here, and a pod that Holdfast deletes in its blindness. It is looked
      // at before the controllers are back: from then on Holdfast moves pods, and each has a successor before it goes.
      expect(serving.length).toBeGreaterThanOrEqual(3);
      expect(after).toEqual(expect.arrayContaining(serving));
      const fewest = await fewestReady(() => settled("fromSnapshot", "Fallback"));
      expect(fewest, "an eviction for silence would show here").toBeGreaterThanOrEqual(3);
      await stage.controlPlane.start();
      await settled("fromControlPlane", "Normal");
    });
    expect(lost(load)).toEqual([]);
    await stage.untilProven();
    expect(isTrue(await stage.status(), "Stalled")).toBe(false);
  },
);
