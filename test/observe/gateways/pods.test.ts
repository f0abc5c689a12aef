import { expect, test } from "vitest";
import { readHelper } from "../../../operator/observe/cluster/throwaway-pods.ts";
import { NO_ANSWER } from "../../../operator/observe/gateways/pod-prober.ts";
import { readPod } from "../../../operator/observe/gateways/pods.ts";
import { choice, ended, type Loose, pod } from "../objects.ts";

const reading = { answers: { of: () => NO_ANSWER }, workersEnv: "APISIX_WORKER_PROCESSES", workers: 2 };
const read = (change?: (pod: Loose) => void) => readPod(pod("p", change), reading);

test("a pod that serves", () => {
  expect(read()).toEqual({
    name: "p",
    uid: "uid-p",
    resourceVersion: "7",
    node: "node-1",
    templateHash: "abc",
    proofKey: "key-1",
    createdMs: Date.parse("2026-05-01T11:00:00Z"),
    deleting: false,
    ready: true,
    scheduled: true,
    restarts: 0,
    start: {
      choice: "normal",
      reason: "ControlPlaneAnswered",
      finishedMs: Date.parse("2026-05-01T11:00:05Z"),
      absent: [],
    },
    cores: 3,
    vote: "unknown",
    emptyWorker: false,
    check: "unknown",
  });
});

const said = (probe: object) => (p: Loose) => {
  p.status.initContainerStatuses = [
    choice({ choice: "normal", reason: "NoProof", template: "t", absent: [], ms: 9, probe }),
  ];
};
test.for([
  ["both questions answered", { version: "ok", read: "ok" }, { controlPlaneAnswered: true, readFailed: false }],
  ["nobody listens", { version: "refused", read: "refused" }, { controlPlaneAnswered: false, readFailed: false }],
  ["silence", { version: "timeout", read: "timeout" }, { controlPlaneAnswered: false, readFailed: false }],
  [
    "the front answers, the read fails",
    { version: "ok", read: "serverError" },
    { controlPlaneAnswered: false, readFailed: true },
  ],
  [
    "the front answers, the read hangs",
    { version: "ok", read: "timeout" },
    { controlPlaneAnswered: false, readFailed: true },
  ],
  ["no name", { version: "dnsFailure", read: "dnsFailure" }, {}],
  ["no route", { version: "noRoute", read: "noRoute" }, {}],
  ["its own certificate", { version: "tlsLocal", read: "tlsLocal" }, {}],
  ["the control plane says no", { version: "denied", read: "denied" }, {}],
  ["the front answers, the read says no", { version: "ok", read: "denied" }, {}],
] as const)("a start as witness: %s", ([, probe, expected]) => {
  const { controlPlaneAnswered, readFailed } = read(said(probe)).start ?? {};
  expect({ controlPlaneAnswered, readFailed }).toEqual({
    controlPlaneAnswered: undefined,
    readFailed: undefined,
    ...expected,
  });
});

test.for([
  ["not ended yet: not known", (p: Loose) => (p.status.initContainerStatuses[0].state = { running: {} }), undefined],
  [
    "ended without a word: normal, which it writes first",
    (p: Loose) => (p.status.initContainerStatuses = [choice("")]),
    "normal",
  ],
  ["ended with a kubelet's text", (p: Loose) => (p.status.initContainerStatuses = [choice("OOM")]), "normal"],
  [
    "chose fallback",
    (p: Loose) => (p.status.initContainerStatuses = [choice({ choice: "fallback", reason: "x" })]),
    "fallback",
  ],
  ["no init container at all", (p: Loose) => delete p.status.initContainerStatuses, undefined],
] as const)("the start choice: %s", ([, change, expected]) => {
  expect(read((p) => void change(p)).start?.choice).toBe(expected);
});

const waiting = (reason: string, last?: string) => ({
  name: "gateway",
  restartCount: 3,
  state: { waiting: { reason } },
  ...(last && { lastState: { terminated: { exitCode: 137, reason: last } } }),
});
const running = (ready: boolean) => ({ name: "gateway", restartCount: 0, ready, state: { running: {} } });
test.for([
  ["all is well", () => undefined, undefined],
  ["it is being made", (p: Loose) => (p.status.containerStatuses = [waiting("PodInitializing")]), undefined],
  [
    "no image",
    (p: Loose) => (p.status.containerStatuses = [waiting("ImagePullBackOff")]),
    "gateway: ImagePullBackOff (gw:3.9.13)",
  ],
  [
    "it dies of memory",
    (p: Loose) => (p.status.containerStatuses = [waiting("CrashLoopBackOff", "OOMKilled")]),
    "gateway: CrashLoopBackOff (OOMKilled)",
  ],
  [
    "no place for it",
    (p: Loose) => (p.status.conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }]),
    "Unschedulable",
  ],
  [
    "choose failed",
    (p: Loose) => (p.status.initContainerStatuses = [ended("choose", "", { exitCode: 137, reason: "OOMKilled" })]),
    "choose: OOMKilled",
  ],
  [
    "an address on which its status port does not listen",
    (p: Loose) => Object.assign(p.status, { podIP: "fd00::7", containerStatuses: [running(false)] }),
    undefined, // told beside it: it may only just start
  ],
  [
    "starts",
    (p: Loose) => Object.assign(p.status, { podIP: "10.1.2.3", containerStatuses: [running(false)] }),
    undefined,
  ],
  [
    "ready all the same",
    (p: Loose) => Object.assign(p.status, { podIP: "fd00::7", containerStatuses: [running(true)] }),
    undefined,
  ],
  ["evicted", (p: Loose) => (p.status = { phase: "Failed", reason: "Evicted" }), "Evicted"],
] as const)("trouble: %s", ([, change, expected]) => {
  expect(read((p) => void change(p)).trouble).toBe(expected);
});

/**
 * The API server placed the pod at 11:00:02; its node took it over and ended `choose` after 7 s, all by a clock of its own.
 */
test.for<[string, number]>([
  ["right", 0],
  ["20 minutes ahead", 1_200],
  ["20 minutes behind", -1_200],
])("a start ended, by the API server's clock; the node's is %s", ([, aheadSeconds]) => {
  const at = (seconds: number) => new Date(Date.parse("2026-05-01T11:00:00Z") + seconds * 1000).toISOString();
  const skewed = (p: Loose) => {
    p.status.startTime = at(2 + aheadSeconds);
    p.status.conditions.push({ type: "PodScheduled", status: "True", lastTransitionTime: at(2) });
    p.status.initContainerStatuses[0].state.terminated.finishedAt = at(9 + aheadSeconds);
  };
  expect(read(skewed).start?.finishedMs).toBe(Date.parse(at(9)));
  const witness = pod("w", (p) => {
    skewed(p);
    p.metadata.labels["holdfast.dev/role"] = "witness";
    const message = JSON.stringify({ probe: { version: "refused" } });
    p.status.containerStatuses = [
      { name: "witness", state: { terminated: { finishedAt: at(9 + aheadSeconds), message } } },
    ];
  });
  expect(readHelper(witness).result).toMatchObject({ state: "answered", finishedMs: Date.parse(at(9)) });
});

/** Has its gateway never run? Then nothing is lost with it. */
test.for<[string, object, true | undefined]>([
  ["it waits for its image", { restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } }, true],
  ["it runs", { restartCount: 0, state: { running: {} } }, undefined],
  ["it ended just now", { restartCount: 0, state: { terminated: { exitCode: 1 } } }, undefined],
  ["it comes back again and again", { restartCount: 4, state: { waiting: { reason: "CrashLoopBackOff" } } }, undefined],
  [
    "it ended once",
    { restartCount: 0, state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: { terminated: { exitCode: 1 } } },
    undefined,
  ],
])("never ran: %s", ([, status, neverRan]) => {
  expect(read((p) => (p.status.containerStatuses = [{ name: "gateway", ...status }])).neverRan).toBe(neverRan);
});

test.for([
  ["fd00::7", false, "gateway: IPv6Only (its ports listen on IPv4)"],
  ["10.1.2.3", false, undefined],
  ["fd00::7", true, undefined],
] as const)("a pod at %s that runs, ready %s, is unheard: %s", ([podIP, ready, expected]) => {
  expect(read((p) => void Object.assign(p.status, { podIP, containerStatuses: [running(ready)] })).unheard).toBe(
    expected,
  );
});

test("what is not there is not made up", () => {
  const bare = read((p) => {
    p.spec = { containers: [{ name: "gateway" }] };
    p.status = {};
    p.metadata.deletionTimestamp = "2026-05-01T12:00:00Z";
  });
  expect(bare).toMatchObject({ ready: false, scheduled: false, deleting: true, cores: 2, restarts: 0 });
  expect(bare).not.toHaveProperty("node");
  expect(bare).not.toHaveProperty("start");
});

const helper = (role: string, status: Loose) =>
  readHelper(
    pod("h", (p) => {
      p.metadata.labels["holdfast.dev/role"] = role;
      p.metadata.annotations["holdfast.dev/digest"] = "sha256:1";
      p.metadata.annotations["holdfast.dev/reader-secret-version"] = "12";
      p.spec.initContainers = [{ name: "gateway", image: "gw:3.9.13" }];
      p.spec.containers = [{ name: "rehearse", image: "holdfast" }];
      p.status = status;
    }),
  );
const over = (name: string, message: unknown, more?: Loose) => ({
  phase: "Succeeded",
  containerStatuses: [ended(name, message, more)],
});
test.for([
  ["still running", "rehearsal", { phase: "Running" }, { state: "running" }],
  [
    "loaded",
    "rehearsal",
    over("rehearse", { loaded: true, counts: { routes: 3 }, ms: 1 }),
    { state: "loaded", counts: { routes: 3 } },
  ],
  [
    "fewer than expected",
    "rehearsal",
    over("rehearse", { loaded: false, why: "FewerThanExpected", expected: { routes: 3 }, seen: { routes: 1 } }),
    {
      state: "failed",
      message: "FewerThanExpected: expected 3 routes, seen 1 routes",
      fewer: { seen: { routes: 1 }, more: 0 },
    },
  ],
  [
    "fewer than expected, and which",
    "rehearsal",
    over("rehearse", { loaded: false, why: "FewerThanExpected", seen: {}, missing: ["routes/1"], more: 2 }),
    { state: "failed", message: "FewerThanExpected", fewer: { seen: {}, missing: ["routes/1"], more: 2 } },
  ],
  [
    "it did not answer: nothing is known to be missing",
    "rehearsal",
    over("rehearse", { loaded: false, why: "NoAnswer", expected: { routes: 3 }, missing: ["routes/1"] }),
    { state: "failed", message: "NoAnswer: expected 3 routes, seen nothing" },
  ],
  [
    "past its deadline, without a word",
    "rehearsal",
    { phase: "Failed", reason: "DeadlineExceeded", message: "too long" },
    { state: "failed", message: "DeadlineExceeded: too long" },
  ],
  [
    "it found no storage keys",
    "rehearsal",
    { phase: "Failed", initContainerStatuses: [ended("choose", { loaded: false, why: "no usable accessKeyId" })] },
    { state: "failed", message: "no usable accessKeyId" },
  ],
  [
    "it got its storage keys, and was then evicted",
    "rehearsal",
    { phase: "Failed", reason: "Evicted", initContainerStatuses: [ended("choose", { configured: true })] },
    { state: "failed", message: "Evicted" },
  ],
  ["a word that is none", "canary", over("rehearse", "[]"), { state: "failed", message: "it ended without a result" }],
  [
    "an injected container stands first and ended first",
    "rehearsal",
    {
      phase: "Running",
      containerStatuses: [ended("vault-agent", { loaded: false }), { name: "rehearse", state: { running: {} } }],
    },
    { state: "running" },
  ],
  [
    "an injected container stands first and runs on",
    "rehearsal",
    {
      phase: "Running",
      containerStatuses: [
        { name: "istio-proxy", state: { running: {} } },
        ended("rehearse", { loaded: true, counts: {} }),
      ],
    },
    { state: "loaded", counts: {} },
  ],
  [
    "the sidecar's end is not the result",
    "rehearsal",
    { phase: "Running", containerStatuses: [ended("gateway", { loaded: true })] },
    { state: "running" },
  ],
  [
    "a witness that was answered",
    "witness",
    over("witness", { probe: { version: "ok", read: "ok" }, ms: 4 }),
    { state: "answered", answered: true, readFailed: false, finishedMs: Date.parse("2026-05-01T11:00:05Z") },
  ],
  [
    "a witness that was not",
    "witness",
    over("witness", { probe: { version: "refused" } }),
    { state: "answered", answered: false, readFailed: false, finishedMs: Date.parse("2026-05-01T11:00:05Z") },
  ],
  [
    "a witness that could not tell",
    "witness",
    over("witness", { probe: { version: "dnsFailure" } }),
    { state: "failed", message: "it could not tell: dnsFailure" },
  ],
] as const)("a helper pod: %s", ([, role, status, result]) => {
  const fact = helper(role, status);
  expect(fact.result).toEqual(result);
  expect(fact).toMatchObject({ role, digest: "sha256:1", readerSecretVersion: "12", image: "gw:3.9.13" });
});
