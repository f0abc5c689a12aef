/** The conformance run, as a user starts it, against the simulated gateway: as it is, and with each fact turned false. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FACTS } from "../../hack/conform/facts.ts";
import type { Row } from "../../hack/conform/report.ts";
import { program, REPOSITORY } from "../lab/process.ts";
import type { Difference } from "../simulator/gateway/differences.ts";
import { FULL } from "../stage/says.ts";
import { GATEWAY_IMAGE, Stage } from "../stage/stage.ts";

const NAMESPACE = "conformance";
/** The metric's own default, 15 s, is what a real run waits for. */
const QUICK = JSON.stringify({ plugin_attr: { prometheus: { refresh_interval: 1 } } });

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.surroundings(NAMESPACE);
});
afterAll(() => stage?.end());

interface Ran {
  code: number | null;
  text: string;
  facts: Row[];
}

/** `hack/conformance`; with `stop`, Ctrl-C as soon as it has said so. */
function conformance(env: readonly string[], more: readonly string[] = [], stop?: RegExp): Promise<Ran> {
  const args = [
    ...["--image", GATEWAY_IMAGE, "--holdfast-image", "localhost/holdfast:dev", "--short-id", "edge"],
    ...["--control-plane", stage.endpoint, "--client-certificate-secret", `${NAMESPACE}/edge-dp-cert`],
    ...["--check-path", "/r1", "--gateway-config", QUICK, "--start-seconds", "30", "--json", "-"],
    ...env.flatMap((variable) => ["--env", variable]),
    ...more,
  ];
  const child = spawn(join(REPOSITORY, "hack/conformance"), args, {
    env: { ...process.env, KUBECTL: program("kube", "kubectl") },
    detached: true, // a process group of its own, as in a terminal
  });
  let [out, told] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    told += chunk.toString();
    if (stop?.test(told) === true && child.pid !== undefined) process.kill(-child.pid, "SIGINT");
  });
  return new Promise((resolve) => {
    child.on("close", (code) => {
      console.log(told);
      resolve({ code, text: out + told, facts: out.startsWith("{") ? JSON.parse(out).facts : [] });
    });
  });
}

const differing = ({ facts }: Ran): string[] =>
  facts.flatMap(({ id, outcome }) => (outcome === "differs" ? [id] : [])).sort();
const said = ({ facts }: Ran): object =>
  Object.fromEntries(
    facts.filter((one) => one.outcome !== "asExpected").map((one) => [one.id, `${one.outcome}: ${one.seen}`]),
  );

async function nothingIsLeft(): Promise<void> {
  const found = await stage.cluster.kubectl("get", "namespaces", "-l", "holdfast.dev/conformance", "-o", "name");
  expect(found).toBe("");
}

async function holdsNoSecret({ text }: Ran): Promise<void> {
  const secret = await stage.cluster.get(NAMESPACE, "secrets", "edge-dp-cert");
  const key = Buffer.from(secret.data["tls.key"], "base64").toString();
  for (const line of key.split("\n").filter((one) => one.length > 20)) expect(text).not.toContain(line);
}

test("the simulated gateway does all that Holdfast relies on", async () => {
  const ran = await conformance([]);
  expect(said(ran)).toEqual({});
  expect(ran.facts).toHaveLength(FACTS.length);
  expect(ran.code, ran.text).toBe(0);
  await holdsNoSecret(ran);
  await nothingIsLeft();
});

const differs = (...names: Difference[]): string => `SIM_DIFFERS=${names.join(",")}`;

/** Facts that do not touch each other share a run. `follows`: what cannot be so either where the others are not. */
const FALSE: { what: string; env: string[]; facts: string[]; follows?: string[]; slowMs?: number }[] = [
  {
    what: "forms of the configuration",
    env: [
      differs(
        ...(["refuses-admin-list", "refuses-trusted-list", "refuses-http2", "refuses-dictionaries"] as const),
        ...(["refuses-ca-directory", "exporter-config-first", "reader-polls", "metric-stuck", "cuts-at-end"] as const),
        ...(["no-client-certificate", "starts-without-reads", "exporter-empties"] as const),
      ),
    ],
    facts: [
      ...["starts-with-admin-list", "starts-with-trusted-list", "starts-with-http2", "starts-with-dictionaries"],
      ...["starts-with-ca-directory", "exporter-order", "reader-key", "metric-follows", "graceful-end"],
      ...["client-certificate", "no-port-when-reads-fail", "exporter-in-outage"],
    ],
    follows: ["starts-as-rendered"],
  },
  {
    what: "keys, shape and readers",
    slowMs: 300, // so that the time between an open port and the first configuration can be seen
    env: [
      "SIM_IGNORE_SHORT_ID_SUFFIX=1",
      "SIM_LOAD_AFTER_LISTEN=1",
      "SIM_READER_ASKS=https://control-plane:7948",
      differs(
        ...(["exporter-odd-shape", "exporter-listens", "backup-as-standard", "reader-serves-nothing"] as const),
        ...(["reader-starts-empty", "reader-ready", "reader-keeps-unknown-plugins", "ignores-unset"] as const),
        ...(["starts-without-heartbeat", "no-status", "never-ready", "control-api-empty"] as const),
      ),
    ],
    facts: [
      ...["exporter-key", "no-404-after-start", "reader-asks-nobody", "exporter-shape", "exporter-ports"],
      ...["backup-running-mode", "reader-without-control-plane", "reader-missing-object", "reader-status-ready"],
      ...["reader-unknown-plugin", "reader-unset-variable", "exits-on-unset-variable", "exits-without-heartbeat"],
      ...["status-endpoint", "status-ready", "control-api-counts"],
    ],
  },
  {
    what: "counts and outages",
    env: [
      differs(
        ...(["exporter-once", "exporter-drops-one", "reader-drops-one"] as const),
        ...(["starts-without-control-plane", "forgets-in-outage"] as const),
      ),
    ],
    facts: [
      ...["exporter-repeats", "exporter-counts", "reader-loads", "exits-without-control-plane", "serves-from-memory"],
    ],
  },
];

test("each fact is turned false by one of the runs below", () => {
  const turned = FALSE.flatMap(({ facts, follows = [] }) => [...facts, ...follows]);
  expect(FACTS.map(({ id }) => id).filter((id) => !turned.includes(id))).toEqual([]);
});

test.runIf(FULL).each(FALSE)(
  "$what: what is not so is named, and nothing else",
  async ({ env, facts, follows = [], slowMs }) => {
    if (slowMs !== undefined) await stage.admin("POST", "/admin/fault", { mode: "slow", ms: slowMs });
    const ran = await conformance(env).finally(() => stage.admin("POST", "/admin/fault", { mode: "none" }));
    expect(differing(ran), JSON.stringify(said(ran), null, 1)).toEqual([...facts, ...follows].sort());
    expect(ran.code).toBe(1);
    await nothingIsLeft();
  },
);

test("Ctrl-C in the middle leaves nothing", async () => {
  const ran = await conformance([], [], /as Holdfast renders it/);
  expect(ran.facts).toEqual([]);
  expect(ran.code).toBe(2);
  await nothingIsLeft();
});

test("what cannot be asked is said in one line, with exit code 2", async () => {
  const noCertificate = await conformance([], ["--client-certificate-secret", `${NAMESPACE}/none`]);
  expect(noCertificate.text.trim()).toMatch(/error: there is no Secret conformance\/none$/);
  const nobody = await conformance([], ["--control-plane", "https://10.99.0.1:1"]);
  expect(nobody.text).toMatch(/error: the control plane answers GET \/version with ECONNREFUSED, asked from a pod$/m);
  expect([noCertificate.code, nobody.code]).toEqual([2, 2]);
  await nothingIsLeft();
});
