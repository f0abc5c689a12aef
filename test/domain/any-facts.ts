// Facts of any kind, healthy ones bent in many places at once: what is decided on them must keep the laws.
import fc from "fast-check";
import type { GroupMemory } from "../../operator/domain/evidence/memory.ts";
import { healthy, held, type Loose } from "./deciding.ts";

const VIEWS = ["readsOk", "serverError", "readTimeout", "down", "noRoute", "misconfigured", "unknown"] as const;
const UNREAD = { seen: "unknown", reason: "StorageUnavailable", why: "HTTP 503" } as const;
const STALE_MS = 110_000;

const pod = fc.record({
  fresh: fc.boolean(),
  ready: fc.boolean(),
  deleting: fc.boolean(),
  start: fc.constantFrom("normal", "fallback", undefined),
  told: fc.boolean(),
  trouble: fc.constantFrom(undefined, "gateway: CrashLoopBackOff"),
  restarts: fc.constantFrom(0, 3),
  check: fc.constantFrom("pass", "fail", "unknown"),
  emptyWorker: fc.boolean(),
  vote: fc.constantFrom("connected", "disconnected", "unknown"),
  deletionCost: fc.constantFrom(undefined, "-2147483648"),
});
const helper = fc.record({
  role: fc.constantFrom("rehearsal", "canary", "witness"),
  result: fc.constantFrom("running", "loaded", "failed"),
});

const knobs = fc.record({
  mode: fc.constantFrom("Normal", "ToFallback", "Fallback", "ToNormal", undefined),
  view: fc.constantFrom(...VIEWS),
  pods: fc.array(pod, { maxLength: 5 }),
  replicas: fc.nat({ max: 5 }),
  wanted: fc.nat({ max: 5 }),
  rolling: fc.boolean(),
  paused: fc.boolean(),
  restored: fc.boolean(),
  moves: fc.boolean(),
  proofs: fc.subarray(["old", "fresh"]),
  verified: fc.constantFrom("same", "other", "absent", "unknown", "broken"),
  raw: fc.constantFrom("same", "other", "absent", "unknown"),
  reader: fc.constantFrom("same", "rotated", "absent", "unknown"),
  storage: fc.constantFrom("present", "absent", "unknown"),
  change: fc.constantFrom("none", "image", "upgrade"),
  order: fc.constantFrom("Auto", "Observe", "Normal", "Fallback", "Hold"),
  suspend: fc.constantFrom(false, false, false, true),
  asked: fc.boolean(),
  approved: fc.boolean(),
  lostForMs: fc.constantFrom(undefined, 1_000, 600_000),
  heldWord: fc.constantFrom("Reachable", "Unreachable", "Unknown"),
  heldMs: fc.constantFrom(0, 60_000, 600_000),
  failed: fc.boolean(),
  helpers: fc.array(helper, { maxLength: 2 }),
  counts: fc.constantFrom(undefined, { routes: 40 }, { routes: 0 }),
  refusal: fc.constantFrom(undefined, undefined, "exceeded quota"),
  blind: fc.constantFrom(false, false, false, true),
});
type Knobs = typeof knobs extends fc.Arbitrary<infer T> ? T : never;

/** Facts, and what was remembered beside them. */
export const anyFacts: fc.Arbitrary<{ facts: Loose; memory: GroupMemory }> = knobs.map((k) => {
  const { facts } = healthy();
  const [running] = facts.children.traffic.replicaSets;
  const [like] = facts.pods;
  bendGroup(facts, k);
  bendStore(facts, k, running.proofKey);
  facts.children.traffic.paused = k.paused;
  facts.children.traffic.replicas = k.replicas;
  if (k.restored) facts.children.traffic.annotations["holdfast.dev/inputs-hash"] = "restored";
  if (k.rolling)
    facts.children.traffic.replicaSets.push({
      ...running,
      name: "edge-2",
      templateHash: "h2",
      revision: 2,
      replicas: 1,
      proofKey: "fresh",
    });
  facts.pods = k.pods.map((one, index) => podOf(facts, like, one, index));
  facts.helpers = k.helpers.map(({ role, result }, index) => ({
    role,
    name: `helper-${index}`,
    uid: `helper-${index}`,
    resourceVersion: "1",
    createdMs: facts.nowMs - 5_000,
    deleting: false,
    digest: facts.group.status.snapshot.digest,
    proofKey: running.proofKey,
    readerSecretVersion: "1",
    result:
      role === "witness"
        ? { state: "answered", answered: result === "loaded", readFailed: false, finishedMs: facts.nowMs }
        : { state: result, counts: {}, message: "it did not load" },
  }));
  if (k.refusal !== undefined) facts.children.podRefusal = k.refusal;
  if (k.blind) facts.watches.staleForMs = STALE_MS;
  facts.controlPlane = { operator: { view: k.view, detail: "x" }, ...(k.counts ? { counts: k.counts } : {}) };
  const memory = { ...held(facts, k.heldWord, k.heldMs) };
  if (k.failed) Object.assign(memory, { moveFailedMs: facts.monoMs - 1_000, moveFailedWhy: "SurgeImpossible" });
  return { facts, memory };
});

function bendGroup(facts: Loose, k: Knobs): void {
  const { group } = facts;
  group.status.mode = k.mode;
  group.status.modeSince = new Date(facts.nowMs - 120_000).toISOString();
  group.status.controlPlane = {
    ...group.status.controlPlane,
    ...(k.lostForMs === undefined ? {} : { lostAt: new Date(facts.nowMs - k.lostForMs).toISOString() }),
  };
  group.spec.traffic.replicas = k.wanted;
  group.spec.suspend = k.suspend;
  if (k.moves) group.spec.fallback.rollout = { type: "Rolling", startAfterSeconds: 0, maxSurge: "25%" };
  if (k.order === "Hold") group.annotations["holdfast.dev/override"] = "Hold until=2027-01-01T00:00:00Z";
  else group.spec.modePolicy = k.order;
  if (k.asked) group.annotations["holdfast.dev/restart-at"] = "2026-01-01T00:00:00Z";
  if (k.approved) group.annotations["holdfast.dev/approve-return"] = String(group.status.epoch);
  if (k.change === "image") group.spec.gateway.image = "api7/api7-ee-3-gateway:3.9.14";
  if (k.change === "upgrade") facts.operator.chooseImage = "localhost/holdfast:next";
}

function bendStore(facts: Loose, k: Knobs, runningKey: string): void {
  const { snapshot, secrets, group } = facts;
  const other = { ...snapshot.verified, digest: `sha256:${"f".repeat(64)}` };
  const unlike = {
    absent: { seen: "absent" },
    unknown: UNREAD,
    other,
    broken: { ...snapshot.verified, problems: ["NotJson"] },
  };
  const [proof] = group.status.snapshot.proofs;
  group.status.snapshot.proofs = k.proofs.map((key) => ({ ...proof, key: key === "old" ? runningKey : key }));
  if (k.raw !== "same") snapshot.raw = structuredClone(unlike[k.raw]);
  if (k.verified !== "same") snapshot.verified = structuredClone(unlike[k.verified]);
  if (k.reader === "rotated") secrets.reader.resourceVersion = "2";
  else if (k.reader !== "same") secrets.reader = { seen: k.reader, name: "keys", why: "x" };
  if (k.storage !== "present") facts.storage = { seen: k.storage, name: "eu", why: "x" };
}

function podOf(facts: Loose, like: Loose, one: Knobs["pods"][number], index: number): Loose {
  const { fresh, start, told, ...said } = one;
  const { start: _, ...rest } = like;
  const reason = told ? "RecordedFallback" : "ControlPlaneSilent";
  const choice = start && { choice: start, reason, finishedMs: facts.nowMs - 300_000, absent: [] };
  return {
    ...rest,
    ...said,
    name: `edge-${index}`,
    uid: `uid-${index}`,
    createdMs: facts.nowMs - 310_000 - index,
    ...(fresh ? { templateHash: "h2", proofKey: "fresh" } : {}),
    ...(choice ? { start: choice } : {}),
  };
}
