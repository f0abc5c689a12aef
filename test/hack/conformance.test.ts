/** The facts of `hack/conformance`, judged on what a run may have seen; its options; its pods. No cluster is needed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Json } from "../../hack/conform/cluster.ts";
import { FACTS } from "../../hack/conform/facts.ts";
import { FORMS, type Place } from "../../hack/conform/group.ts";
import { readOptions } from "../../hack/conform/options.ts";
import { rehearsal, trafficPod } from "../../hack/conform/pods.ts";
import { exitCode, json, ORDERED, rowsOf, table } from "../../hack/conform/report.ts";
import type { Seen, Start } from "../../hack/conform/seen.ts";
import { REPOSITORY } from "../lab/process.ts";
import { DIFFERENCES, readDifferences } from "../simulator/gateway/differences.ts";

const listens: Start = { is: "listening", seconds: 2 };
const dies: Start = { is: "ended", code: 1, seconds: 1 };
const tally = (status: number | string, count = 9) => ({ status, fromMs: 0, toMs: 1, count });
const counts = { routes: 20, services: 5 };

/** What a run sees of a gateway that does all that is relied on. */
const good = (): Json & Seen => ({
  starts: { rendered: listens },
  normal: {
    fingerprint: "AA",
    rows: [{ path: "/version", certificate: "AA" }],
    status: 200,
    ready: 200,
    readyInOutage: 503,
    control: { ...counts, upstreams: 0 },
    onControlPlane: { ...counts, upstreams: 0 },
    metric: { before: 1, inOutage: 0, fellAfterSeconds: 8, after: 1, roseAfterSeconds: 9 },
    answers: { before: [tally("ECONNREFUSED"), tally(200)], inOutage: [tally(200, 100)] },
    inFlight: 200,
  },
  late: { start: dies },
  reads: { start: dies },
  heartbeats: { start: dies, heartbeats: 3 },
  unsetVariable: { start: dies },
  missingObject: { start: dies },
  exporter: {
    toldKey: "edge-raw",
    puts: [
      { bucket: "resources", key: "edge-raw", atMs: 1_000 },
      { bucket: "config", key: "edge-raw", atMs: 1_100 },
      { bucket: "resources", key: "edge-raw", atMs: 4_000 },
      { bucket: "config", key: "edge-raw", atMs: 4_100 },
    ],
    runningModes: ["backup", "backup"],
    ports: { http: "ECONNREFUSED", https: "ECONNREFUSED" },
    putsInOutage: 0,
    pair: { problems: [], counts },
    onControlPlane: { ...counts, upstreams: 0 },
  },
  reader: {
    choice: "fallback",
    key: "edge",
    start: listens,
    reads: [
      { bucket: "resources", key: "edge", status: 200 },
      { bucket: "config", key: "edge", status: 200 },
    ],
    requests: [],
    ready: 503,
    answer: 200,
  },
  loads: { expected: counts, seen: { ...counts, upstreams: 0 } },
  unknownPlugin: { expected: { ...counts, routes: 21 }, seen: { ...counts, upstreams: 0 } },
  unsetInSnapshot: { seen: { routes: 0, services: 0, upstreams: 0 } },
});

type Change = (seen: Json) => void;
const differing = (change: Change): string[] => {
  const seen = good();
  change(seen);
  return rowsOf(seen).flatMap(({ id, outcome }) => (outcome === "differs" ? [id] : []));
};

test("what is relied on is as expected, and the exit code is 0", () => {
  const rows = rowsOf(good());
  expect(rows.filter(({ outcome }) => outcome !== "asExpected")).toEqual([]);
  expect(exitCode(rows)).toBe(0);
});

const onlyForm =
  (form: string): Change =>
  (seen) => {
    const byForm = Object.fromEntries(FORMS.map((one) => [one, one === form ? dies : listens]));
    seen.starts = { rendered: dies, plain: listens, byForm };
  };

/** Each turns one fact false; a second list where another fact cannot be so then. */
const FALSE: [string, Change, string[]][] = [
  [
    "the exporter writes another key",
    (s) =>
      s.exporter.puts.forEach((put: Json) => {
        put.key = "edge";
      }),
    ["exporter-key"],
  ],
  [
    "the configuration object comes first",
    (s) => s.exporter.puts.unshift({ bucket: "config", key: "edge-raw", atMs: 900 }),
    ["exporter-order"],
  ],
  [
    "the objects are 6 s apart",
    (s) =>
      s.exporter.puts.splice(
        1,
        3,
        { bucket: "config", key: "edge-raw", atMs: 7_000 },
        { bucket: "resources", key: "edge-raw", atMs: 9_000 },
      ),
    ["exporter-order"],
  ],
  ["it exports once", (s) => s.exporter.puts.splice(2), ["exporter-repeats"]],
  [
    "the pair has a problem",
    (s) => s.exporter.pair.problems.push("config object: config_payload is missing or empty"),
    ["exporter-shape"],
  ],
  [
    "the export has less",
    (s) => {
      s.exporter.pair.counts = { routes: 19, services: 5 };
    },
    ["exporter-counts"],
  ],
  [
    "it writes in an outage",
    (s) => {
      s.exporter.putsInOutage = 2;
    },
    ["exporter-in-outage"],
  ],
  ["a reader reads twice", (s) => s.reader.reads.push(s.reader.reads[0]), ["reader-key"]],
  [
    "a reader loads less",
    (s) => {
      s.loads.seen = { routes: 19, services: 5 };
      s.unknownPlugin.seen = s.loads.seen;
    },
    ["reader-loads"],
  ],
  [
    "a reader answers 404",
    (s) => {
      s.reader.answer = 404;
    },
    ["reader-without-control-plane"],
  ],
  ["a reader sends heartbeats", (s) => s.reader.requests.push("POST /api/dataplane/heartbeat"), ["reader-asks-nobody"]],
  [
    "a reader starts with nothing",
    (s) => {
      s.missingObject.start = listens;
    },
    ["reader-missing-object"],
  ],
  [
    "a reader exits 0",
    (s) => {
      s.missingObject.start = { ...dies, code: 0 };
    },
    ["reader-missing-object"],
  ],
  [
    "a reader is ready",
    (s) => {
      s.reader.ready = 200;
    },
    ["reader-status-ready"],
  ],
  [
    "an unknown plugin is kept",
    (s) => {
      s.unknownPlugin.seen = { routes: 21, services: 5 };
    },
    ["reader-unknown-plugin"],
  ],
  [
    "an unset variable is taken",
    (s) => {
      s.unsetInSnapshot.seen = { routes: 21 };
    },
    ["reader-unset-variable"],
  ],
  ["a backup says standard", (s) => s.exporter.runningModes.push("standard"), ["backup-running-mode"]],
  [
    "the metric stays 1",
    (s) => {
      s.normal.metric.inOutage = 1;
    },
    ["metric-follows"],
  ],
  [
    "there is no metric",
    (s) => {
      s.normal.metric.before = "absent";
    },
    ["metric-follows"],
  ],
  [
    "the metric does not come back",
    (s) => {
      s.normal.metric.after = 0;
    },
    ["metric-follows"],
  ],
  [
    "it is never ready",
    (s) => {
      s.normal.ready = 503;
    },
    ["status-ready"],
  ],
  [
    "there is no status port in an outage",
    (s) => {
      s.normal.readyInOutage = "ECONNREFUSED";
    },
    ["status-ready"],
  ],
  [
    "there is no /status",
    (s) => {
      s.normal.status = 404;
    },
    ["status-endpoint"],
  ],
  [
    "the control API lists none",
    (s) => {
      s.normal.control = {};
    },
    ["control-api-counts"],
  ],
  [
    "no certificate is shown",
    (s) => {
      s.normal.rows[0].certificate = "";
    },
    ["client-certificate"],
  ],
  ["404 in an outage", (s) => s.normal.answers.inOutage.push(tally(404)), ["serves-from-memory"]],
  [
    "broken connections in an outage",
    (s) => s.normal.answers.inOutage.push(tally("ECONNRESET")),
    ["serves-from-memory"],
  ],
  ["404 after the start", (s) => s.normal.answers.before.splice(1, 0, tally(404)), ["no-404-after-start"]],
  [
    "a request is cut",
    (s) => {
      s.normal.inFlight = "ECONNRESET";
    },
    ["graceful-end"],
  ],
  [
    "it starts without the control plane",
    (s) => {
      s.late.start = listens;
    },
    ["exits-without-control-plane"],
  ],
  [
    "it waits for the control plane",
    (s) => {
      s.late.start = { is: "silent", seconds: 60 };
    },
    ["exits-without-control-plane"],
  ],
  [
    "it starts without reads",
    (s) => {
      s.reads.start = listens;
    },
    ["no-port-when-reads-fail"],
  ],
  [
    "it starts without heartbeats",
    (s) => {
      s.heartbeats.start = listens;
    },
    ["exits-without-heartbeat"],
  ],
  [
    "it tries more heartbeats",
    (s) => {
      s.heartbeats.heartbeats = 4;
    },
    ["exits-without-heartbeat"],
  ],
  [
    "it starts with an unset variable",
    (s) => {
      s.unsetVariable.start = listens;
    },
    ["exits-on-unset-variable"],
  ],
  [
    "an exporter listens",
    (s) => {
      s.exporter.ports.http = 404;
    },
    ["exporter-ports"],
  ],
  ["it refuses the admin list", onlyForm("adminList"), ["starts-as-rendered", "starts-with-admin-list"]],
  ["it refuses the directory", onlyForm("caDirectory"), ["starts-as-rendered", "starts-with-ca-directory"]],
  ["it refuses the list of authorities", onlyForm("trustedList"), ["starts-as-rendered", "starts-with-trusted-list"]],
  ["it refuses enable_http2", onlyForm("http2"), ["starts-as-rendered", "starts-with-http2"]],
  ["it refuses the dictionaries", onlyForm("dictionaries"), ["starts-as-rendered", "starts-with-dictionaries"]],
];

test.for(FALSE)("%s", ([, change, facts]) => {
  expect(differing(change).toSorted()).toEqual(facts.toSorted());
});

test("each fact is turned false above, and by the end-to-end story", () => {
  const turned = new Set(FALSE.flatMap(([, , facts]) => facts));
  expect(FACTS.map(({ id }) => id).filter((id) => !turned.has(id))).toEqual([]);
  const story = readFileSync(join(REPOSITORY, "test/e2e/conformance.test.ts"), "utf8");
  expect(FACTS.map(({ id }) => id).filter((id) => !story.includes(`"${id}"`))).toEqual([]);
  expect(Object.keys(DIFFERENCES).filter((name) => !story.includes(`"${name}"`))).toEqual([]);
});

test("what is assumed comes first", () => {
  const marks = ORDERED.map(({ mark }) => mark).join("");
  expect(marks).toMatch(/^[OU]+M+D+$/);
  expect(new Set(ORDERED.map(({ id }) => id)).size).toBe(FACTS.length);
});

describe("what could not be asked", () => {
  const scenes = Object.keys(good()).map((name): [string] => [name]);
  test.for(scenes)("%s: is not asked, and never as expected or different", ([name]) => {
    const seen = good();
    seen[name] = { notAsked: "pod x: ImagePullBackOff" };
    const rows = rowsOf(seen).filter(({ outcome }) => outcome !== "asExpected");
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.outcome).toBe("notAsked");
    expect(exitCode(rows)).toBe(2);
  });

  test("a difference counts more than what was not asked", () => {
    const seen = good();
    seen.reader = { notAsked: "x" };
    seen.late = { start: listens };
    expect(exitCode(rowsOf(seen))).toBe(1);
  });

  test("without --check-path, and without any export", () => {
    const seen = good();
    seen.normal.answers = undefined;
    seen.normal.inFlight = undefined;
    seen.exporter.puts = [];
    seen.exporter.pair = undefined;
    const of = (is: string) => rowsOf(seen).flatMap(({ id, outcome }) => (outcome === is ? [id] : []));
    expect(of("differs")).toEqual(["exporter-key"]);
    expect(of("notAsked")).toHaveLength(8);
  });
});

test("table and report name fact, expected, seen, and what relies on it", () => {
  const seen = good();
  seen.late.start = listens;
  const rows = rowsOf(seen);
  const text = table(rows);
  expect(text).toMatch(/^exits-without-control-plane \[D\] +DIFFERS +a gateway that starts .* +listens after 2 s$/m);
  expect(text).toMatch(/^ {2}exits-without-control-plane: Holdfast relies on it for the start choice/m);
  expect(text).toMatch(new RegExp(`${FACTS.length - 1} as expected, 1 differ, 0 not asked$`));
  const report = JSON.parse(json(rows, { image: "x:1", seconds: 9 }));
  expect(report).toMatchObject({ image: "x:1", exitCode: 1 });
  expect(report.facts).toHaveLength(FACTS.length);
});

const ARGS = [
  ...["--image", "x/gateway:3.9.13", "--holdfast-image", "holdfast:1", "--short-id", "edge"],
  ...["--control-plane", "https://cp:7943", "--client-certificate-secret", "a/b"],
];

test.for<[string, string[], RegExp]>([
  ["an option that does not exist", ["--imag", "x"], /Unknown option '--imag'.*--help/],
  ["no image", [], /--image is missing/],
  [
    "an endpoint with a password",
    [...ARGS, "--control-plane", "https://u:secret@cp"],
    /--control-plane: write it as https/,
  ],
  ["http", [...ARGS, "--control-plane", "http://cp"], /--control-plane/],
  ["a Secret without a namespace", [...ARGS, "--client-certificate-secret", "b"], /write it as NAMESPACE\/NAME/],
  ["a certificate twice", [...ARGS, "--client-certificate", "x"], /give --client-certificate-secret, or/],
  [
    "a file that is not there",
    [...ARGS.slice(0, -2), "--client-certificate", "/no", "--client-key", "/no"],
    /cannot read \/no: ENOENT/,
  ],
  ["a path without a slash", [...ARGS, "--check-path", "r1"], /begin it with \//],
  ["a configuration that is a list", [...ARGS, "--gateway-config", "[]"], /give a JSON object/],
  ["a variable without a name", [...ARGS, "--env", "=x"], /NAME=VALUE/],
  ["seconds that are none", [...ARGS, "--start-seconds", "soon"], /from 5 to 600/],
])("options: %s", ([, args, message]) => {
  expect(() => readOptions(args)).toThrow(message);
  expect(() => readOptions(args)).not.toThrow(/secret@/);
});

const place = (...avoided: (typeof FORMS)[number][]): Place => {
  const options = readOptions([...ARGS, "--env", "A=1"]);
  if (options === "help") throw new Error("help");
  return { namespace: "conf", options, token: "T", avoided: new Set(avoided) };
};
const wish = { name: "normal", port: 7943, shortID: "edge" };
const configOf = (objects: Json[], role: string): Json =>
  parse(objects.find(({ metadata }) => metadata.name.startsWith(`normal-${role}-`)).data["config.yaml"]);

test("pods are Holdfast's own: start choice, read-only configuration, nobody's children", () => {
  const { objects, pod } = trafficPod(place(), wish);
  expect(pod.spec.initContainers.map(({ name }: Json) => name)).toEqual(["choose"]);
  const gateway = pod.spec.containers.find(({ name }: Json) => name === "gateway");
  expect(gateway.volumeMounts[0]).toMatchObject({ mountPath: "/usr/local/apisix/conf/config.yaml", readOnly: true });
  expect(gateway.env).toContainEqual({ name: "A", value: "1" });
  for (const object of [...objects, pod]) expect(object.metadata.ownerReferences).toBeUndefined();
  expect(configOf(objects, "normal").deployment.etcd.host).toEqual(["https://control-plane.conf.svc:7943"]);
  expect(JSON.stringify([objects, pod])).not.toContain('"T"');
});

test("a form that is avoided is said another way, in all roles, and mounted another way", () => {
  const { objects, pod } = trafficPod(place(...FORMS), wish);
  const config = configOf(objects, "normal");
  expect(config.deployment.admin.admin_key).toHaveLength(1);
  expect(config.apisix.ssl.ssl_trusted_certificate).toBe("/usr/local/apisix/conf/ssl/ca.crt");
  expect(config.apisix.ssl.listen[0]).not.toHaveProperty("enable_http2");
  expect(config.nginx_config.http).not.toHaveProperty("custom_lua_shared_dict");
  const gateway = pod.spec.containers.find(({ name }: Json) => name === "gateway");
  expect(gateway.volumeMounts).toContainEqual(
    expect.objectContaining({ mountPath: "/usr/local/apisix/conf/ssl/ca.crt", subPath: "ca.crt" }),
  );
});

test("a rehearsal loads the candidate of its short id", () => {
  const { pod } = rehearsal(place(), { ...wish, name: "load", shortID: "edge-plugin" }, { routes: 2 }, 20);
  const gateway = pod.spec.initContainers.find(({ name }: Json) => name === "gateway");
  expect(gateway.env).toContainEqual({ name: "API7_GATEWAY_GROUP_SHORT_ID", value: "edge-plugin-candidate" });
});

test("an image that Holdfast would refuse is refused here, too", () => {
  const old = place();
  old.options.image = "x/gateway:3.8.0";
  expect(() => trafficPod(old, wish)).toThrow(/3\.8\.0 is not supported/);
});

test("a difference that the simulator does not know is an error", () => {
  expect(readDifferences("metric-stuck,no-status")).toEqual(["metric-stuck", "no-status"]);
  expect(() => readDifferences("metric-stuk")).toThrow(/knows no "metric-stuk"/);
});
