// `holdfast choose`: what stands between a gateway and its start, so it does little and can hardly fail.
//   choose              the start choice: writes the config.yaml that the gateway starts with; exits 0, and 1 only
//                       where no gateway could start: then the kubelet lets it choose again
//   choose --configure  writes the one config.yaml that there is, with its storage keys; exits 1 when they are missing
//   choose --probe      a witness: asks the control plane what a gateway would ask, from where gateways run; exits 0
//   choose --rehearse   counts what the gateway beside it has loaded; exits 0 loaded, 1 not
// Each leaves one line of JSON as its termination message. No API access, no store access. The storage keys pass through
// here, from a Secret's files into config.yaml: nothing of them is said.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  chooseStart,
  type Probe,
  type ProbeOutcome,
  parseStart,
  START_REFERENCES,
  type StartChoice,
  type StartFacts,
  type StartMessage,
  type StartReference,
  startsInVain,
} from "./domain/choice.ts";
import { type Answer, OWN_LAG_LIMIT_MS } from "./gateway/api7/answer.ts";
import { CLIENT_CERTIFICATE_KEYS, GATEWAY_PORTS } from "./gateway/api7/facts.ts";
import type { ControlPlaneTarget } from "./gateway/api7/https.ts";
import { probeControlPlane, probeInParallel } from "./gateway/api7/probe.ts";
import { rehearse } from "./gateway/api7/probe-gateway.ts";
import { placesIn, withStoreKeys } from "./gateway/api7/store-keys.ts";

/** Both questions together, no retry: what a start during an outage waits at most. */
const PROBE_TIMEOUT_MS = 4_000;
/** Whatever hangs, a start ends here with the configuration that is in place: the probe's limit, and room on 0.25 core. */
const HARD_LIMIT_MS = 9_000;
/** The kubelet's limit of a termination message. */
const MESSAGE_MAX_BYTES = 4_096;

const { env } = process;
const root = env["HOLDFAST_ROOT"] ?? "/holdfast";
const template = env["HOLDFAST_TEMPLATE_HASH"] ?? "";
const endpoint = env["HOLDFAST_CP_ENDPOINT"] ?? "";
const elapsedMs = (): number => Math.round(performance.now());

async function start(): Promise<void> {
  const giveUp = (failure: string): void =>
    end({ choice: "normal", reason: "OwnFailure", failure, template, absent: [], ms: elapsedMs() }, 0);
  process.on("uncaughtException", (error) => giveUp(codeOf(error)));
  process.on("unhandledRejection", (error) => giveUp(codeOf(error)));
  // The pod is being deleted: as process 1 we would sleep through it.
  process.on("SIGTERM", () => giveUp("SIGTERM"));
  setTimeout(() => giveUp("HardLimit"), HARD_LIMIT_MS);
  await choose().then(
    (message) => end(message, startsInVain(message) ? 1 : 0),
    (error) => giveUp(codeOf(error)),
  );
}

/** Writes the normal configuration first: whatever happens from then on, there is one. */
async function choose(): Promise<StartMessage> {
  const normal = readOptional("normal/config.yaml");
  if (normal !== undefined) writeConfig(normal);
  const fallback = fallbackConfig();
  const published = readOptional("start/start.json");
  const target = controlPlane();
  const nothing = { recorded: "absent", proof: "absent" } as const;
  const told = published === undefined ? nothing : parseStart(published, template);
  const { recorded } = told;
  const there: Record<StartReference, boolean> = {
    start: published !== undefined,
    normalConfig: normal !== undefined,
    fallbackConfig: fallback !== undefined,
    clientCertificate: target.tls !== undefined,
    clientCA: target.tls?.ca !== undefined,
    readerKeys: fallback === undefined || fallback.missing.length === 0,
    endpoint: endpoint !== "",
  };
  const { choice, reason, probe } = await decide(
    {
      ...told,
      configs: { normal: there.normalConfig, fallback: there.fallbackConfig },
      readerKeys: there.readerKeys ? "present" : "absent",
    },
    target,
  );
  if (choice === "fallback" && fallback !== undefined && there.readerKeys) writeConfig(fallback.text, fallback.mode);
  return {
    choice,
    reason,
    template,
    ...(typeof recorded === "object" ? { epoch: recorded.epoch } : {}),
    absent: START_REFERENCES.filter((reference) => !there[reference]),
    ...(probe === "notAsked" ? {} : { probe }),
    ms: elapsedMs(),
  };
}

async function decide(
  facts: Omit<StartFacts, "probe">,
  target: ControlPlaneTarget,
): Promise<StartChoice & { probe: Probe }> {
  const first = chooseStart({ ...facts, probe: "notAsked" });
  if (!first.probeFirst) return { ...first, probe: "notAsked" };
  const answers = endpoint === "" ? undefined : await probeInParallel(target, PROBE_TIMEOUT_MS);
  const { count } = answers ?? {};
  const probe = {
    version: outcomeOf(answers?.version),
    read: outcomeOf(answers?.read),
    ...(count === undefined ? {} : { count }),
  };
  const second = chooseStart({ ...facts, probe });
  if (second.probeFirst) throw new Error("the decision asked for a second probe");
  return { ...second, probe };
}

/** A time-out that a starved process came too late to judge (a frozen node, no CPU) says nothing of the other side. */
function outcomeOf(answer: Answer | undefined): ProbeOutcome {
  if (answer === undefined) return "aborted";
  return answer.kind === "timeout" && answer.lagMs > OWN_LAG_LIMIT_MS ? "aborted" : answer.kind;
}

async function witness(): Promise<void> {
  const { version, read } = await probeControlPlane(controlPlane());
  const outcome = { version: outcomeOf(version), ...(read === undefined ? {} : { read: outcomeOf(read) }) };
  end({ probe: outcome, ms: elapsedMs() }, 0);
}

async function rehearsal(): Promise<void> {
  const file = env["HOLDFAST_EXPECTED_COUNTS_FILE"];
  const text = file === undefined ? env["HOLDFAST_EXPECTED_COUNTS"] : readText(file);
  const expected = parseCounts(text ?? "");
  if (expected === undefined) return end({ loaded: false, why: "NothingExpected", ms: elapsedMs() }, 1);
  const baseURL = env["HOLDFAST_CONTROL_API"] ?? `http://127.0.0.1:${GATEWAY_PORTS.control}`;
  const deadlineMs = (Number(env["HOLDFAST_REHEARSAL_SECONDS"]) || 60) * 1_000;
  const items = env["HOLDFAST_EXPECTED_ITEMS"];
  const wanted = { counts: expected, ...(items === undefined ? {} : { items }) };
  const result = await rehearse(baseURL, wanted, { deadlineMs, pollMs: 250 });
  end(result, result.loaded ? 0 : 1);
}

function controlPlane(): ControlPlaneTarget {
  const { certificate, privateKey, ca } = CLIENT_CERTIFICATE_KEYS;
  const [cert, key, authority] = [certificate, privateKey, ca].map((name) => readOptional(`cp-cert/${name}`));
  const serverName = env["HOLDFAST_CP_SERVER_NAME"] ?? "";
  const known = cert !== undefined && key !== undefined;
  return {
    endpoint,
    ...(serverName === "" ? {} : { serverName }),
    tls: known ? { cert, key, ...(authority === undefined ? {} : { ca: authority }) } : undefined,
  };
}

interface StoreConfig {
  text: string;
  /** Keys that it needs and that are not there. */
  missing: readonly string[];
  mode: number;
}

/** The configuration that reads or writes the store, with the keys of the mounted Secret in it. */
function fallbackConfig(): StoreConfig | undefined {
  const rendered = readOptional("fallback/config.yaml");
  if (rendered === undefined) return undefined;
  const places = placesIn(rendered);
  // A pod whose template was made when gateways read the keys from their environment, and this image came under the same
  // tag: without this no such pod would start in an outage.
  if (places.some((name) => env[name])) return { text: rendered, missing: emptyOf(places), mode: READABLE };
  return { ...withStoreKeys(rendered, (name) => readOptional(`store/${name}`)), mode: WITH_KEYS };
}

const emptyOf = (names: readonly string[]): string[] => names.filter((name) => (env[name] ?? "") === "");

/** For an exporter or a rehearsal, which have nothing to choose. */
function configure(): void {
  const config = fallbackConfig();
  const lacks =
    config === undefined
      ? "there is no configuration for this gateway"
      : config.missing.map((key) => `the storage Secret has no usable ${key}`).join(", ");
  if (config !== undefined && lacks === "") {
    writeConfig(config.text, config.mode);
    end({ configured: true, ms: elapsedMs() }, 0);
  } else end({ loaded: false, why: lacks, ms: elapsedMs() }, 1);
}

const readOptional = (path: string): string | undefined => readText(join(root, path));

/** Every mount is optional. One that cannot be read is worth as little as one that is not there. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Whoever runs as the gateway's user or in the pod's own group: the gateway may have another user by podTemplate. */
const WITH_KEYS = 0o440;
const READABLE = 0o644;

/** In one step: a gateway never starts with half a file, whenever we are killed. */
function writeConfig(text: string, mode = READABLE): void {
  const path = join(root, "conf/config.yaml");
  rmSync(`${path}.next`, { force: true }); // one that an earlier run left could not be opened for writing
  writeFileSync(`${path}.next`, text, { mode });
  renameSync(`${path}.next`, path);
}

function parseCounts(text: string): Record<string, number> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const counts = Object.entries(value);
    return counts.every(([, n]) => Number.isSafeInteger(n)) ? Object.fromEntries(counts) : undefined;
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error ? String("code" in error ? error.code : error.name) : "Unknown";

/** Says it and ends. A message that cannot be written must not keep a gateway from starting. */
function end(message: object, exitCode: number): void {
  // The peak tells how near to its memory limit a start came.
  const line = JSON.stringify({ ...message, peakKiB: process.resourceUsage().maxRSS }).slice(0, MESSAGE_MAX_BYTES);
  try {
    writeFileSync(env["HOLDFAST_TERMINATION_LOG"] ?? "/dev/termination-log", line);
  } catch {
    // The choice is made all the same; what is missing then is only its reason.
  }
  console.log(line);
  leave(exitCode);
}

/**
 * process.exit waits for a name look-up that is under way: measured 6 s past the deadline with a dead resolver, and
 * with a cluster's search list it can be a minute. Becoming another program does not wait.
 */
function leave(exitCode: number): void {
  if (exitCode === 0 && process.execve !== undefined) {
    try {
      process.execve(process.execPath, [process.execPath, "--version"], {});
    } catch {
      // Below, the slow way.
    }
  }
  process.exit(exitCode);
}

if (process.argv.includes("--probe")) await witness();
else if (process.argv.includes("--rehearse")) await rehearsal();
else if (process.argv.includes("--configure")) configure();
else await start();
