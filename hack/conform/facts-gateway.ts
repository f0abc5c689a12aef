import type { Form } from "./group.ts";
import { dies, type Fact, isServed, NO_CHECK, of, sameCounts } from "./judge.ts";
import { asked, no, type Outcome, unasked, yes } from "./outcome.ts";
import type { Metric, Seen } from "./seen.ts";
import { countsText, startText, tallyText } from "./texts.ts";

const startsWith =
  (form: Form) =>
  ({ starts }: Seen): Outcome => {
    if ("notAsked" in starts) return unasked(starts.notAsked);
    if (starts.rendered.is === "listening") return yes("it starts");
    if (starts.plain?.is !== "listening") return unasked("it does not start without it, either");
    const start = starts.byForm?.[form];
    return start === undefined ? unasked("no start was tried") : asked(start.is === "listening", startText(start));
  };

const metricText = (value: Metric): string => (typeof value === "number" && value > 1 ? `HTTP ${value}` : `${value}`);

/** Of gateways that follow the control plane. */
export const GATEWAY_FACTS: readonly Fact[] = [
  {
    id: "metric-follows",
    mark: "M",
    relies: "a gateway's vote: without a 0 no quorum, and a 1 that stays is a vote against each flip",
    expected: "apisix_etcd_reachable is 1, 0 within 30 s of a lost control plane, 1 within 30 s of its return",
    check: of("normal", ({ metric: { before, inOutage, after, fellAfterSeconds, roseAfterSeconds } }) => {
      const text = `${metricText(before)}, then ${metricText(inOutage)} after ${fellAfterSeconds.toFixed(0)} s, then ${metricText(after)} after ${roseAfterSeconds.toFixed(0)} s`;
      return asked(before === 1 && inOutage === 0 && after === 1, text);
    }),
  },
  {
    id: "status-ready",
    mark: "D",
    relies:
      "its 503 is a gateway's vote that the control plane is gone; its 200 is none (APISIX says 200 all through an outage)",
    expected: "/status/ready is 200 while the control plane answers, and 503 or 200 while it is gone",
    check: of("normal", ({ ready, readyInOutage }) =>
      asked(ready === 200 && (readyInOutage === 503 || readyInOutage === 200), `${ready}, then ${readyInOutage}`),
    ),
  },
  {
    id: "status-endpoint",
    mark: "D",
    relies: "the backup pod's liveness",
    expected: "/status is 200 once it has started",
    check: of("normal", ({ status }) => asked(status === 200, `${status}`)),
  },
  {
    id: "control-api-counts",
    mark: "D",
    relies: "rehearsals and canaries count what was loaded",
    expected: "the control API on 127.0.0.1 lists the routes, services and upstreams of the control plane",
    check: of("normal", ({ control, onControlPlane }) => {
      const text = `${countsText(control)}; on the control plane ${countsText(onControlPlane)}`;
      return asked(sameCounts(control, onControlPlane), text);
    }),
  },
  {
    id: "client-certificate",
    mark: "D",
    relies: "every gateway reaches the control plane with the mounted certificate",
    expected: "each request to the control plane comes with the client certificate of the Secret",
    check: of("normal", ({ rows, fingerprint }) => {
      if (rows.length === 0) return no("no request came");
      const other = rows.filter(({ certificate }) => certificate !== fingerprint).length;
      return asked(
        other === 0,
        other === 0 ? `${rows.length} requests` : `${other} of ${rows.length} with another one or none`,
      );
    }),
  },
  {
    id: "serves-from-memory",
    mark: "M",
    relies: "OnRestart: pods that serve are left alone in an outage",
    expected: "a gateway that runs answers all requests while the control plane is gone",
    check: of("normal", ({ answers }) =>
      answers === undefined
        ? unasked(NO_CHECK)
        : asked(
            answers.inOutage.length > 0 && answers.inOutage.every(({ status }) => isServed(status)),
            tallyText(answers.inOutage),
          ),
    ),
  },
  {
    id: "no-404-after-start",
    mark: "U",
    relies:
      "where the startup probe cannot see it (no bash in the image, or startupProbe: null) a pod that answers 404 gets requests",
    expected: "no 404 between the first connection that is taken and the first answer of the route",
    check: of("normal", ({ answers }) => {
      if (answers === undefined) return unasked(NO_CHECK);
      const after = answers.before.filter(({ status }) => status !== "ECONNREFUSED" && status !== "timeout");
      return asked(after.length > 0 && after.every(({ status }) => isServed(status)), tallyText(after));
    }),
  },
  {
    id: "graceful-end",
    mark: "M",
    relies: "a drained pod loses no request: the kubelet sends the image's STOPSIGNAL after the wait",
    expected: "a request that is under way when the pod is told to end gets its answer",
    check: of("normal", ({ inFlight }) =>
      inFlight === undefined ? unasked(NO_CHECK) : asked(typeof inFlight === "number", `${inFlight}`),
    ),
  },
  {
    id: "exits-without-control-plane",
    mark: "D",
    relies: "the start choice: a normal start without the control plane is lost, so the snapshot is taken",
    expected: "a gateway that starts while the control plane is gone exits with another code than 0",
    check: of("late", ({ start }) => dies(start)),
  },
  {
    id: "no-port-when-reads-fail",
    mark: "U",
    relies: "the start choice takes the snapshot when /version answers and reads fail",
    expected: "a gateway that starts while reads are answered 503 does not open its port",
    check: of("reads", ({ start }) => asked(start.is !== "listening", startText(start))),
  },
  {
    id: "exits-without-heartbeat",
    mark: "O",
    relies:
      "a known weakness: such a pod crashes beside a proven snapshot, as the start choice does not ask the heartbeat",
    expected: "a gateway whose first heartbeats are answered 403 exits, after at most 3 of them",
    check: of("heartbeats", ({ start, heartbeats }) => {
      const text = `${startText(start)}, after ${heartbeats} heartbeats`;
      return asked(start.is === "ended" && start.code !== 0 && heartbeats > 0 && heartbeats <= 3, text);
    }),
  },
  {
    id: "exits-on-unset-variable",
    mark: "M",
    relies: "a configuration that still names HOLDFAST_STORE_* never serves",
    expected: "a gateway whose config.yaml names a variable that is not set exits with another code than 0",
    check: of("unsetVariable", ({ start }) => dies(start)),
  },
];

/** Of what a gateway starts with. */
export const START_FACTS: readonly Fact[] = [
  {
    id: "starts-as-rendered",
    mark: "D",
    relies: "every pod of a group",
    expected: "a gateway starts with the configuration that Holdfast renders, mounted read-only",
    check: ({ starts }) =>
      "notAsked" in starts
        ? unasked(starts.notAsked)
        : asked(starts.rendered.is === "listening", startText(starts.rendered)),
  },
  {
    id: "starts-with-admin-list",
    mark: "U",
    relies: "no known admin key is in a pod",
    expected: "it starts with deployment.admin.admin_key: [] and a config.yaml that it cannot write",
    check: startsWith("adminList"),
  },
  {
    id: "starts-with-ca-directory",
    mark: "U",
    relies: "a certificate that is renewed, or absent, does not hinder a start",
    expected: "it reads ca.crt of the client certificate Secret where that is mounted whole, at /etcd-ssl",
    check: startsWith("caDirectory"),
  },
  {
    id: "starts-with-trusted-list",
    mark: "D",
    relies: "public authorities and the control plane's own are trusted both",
    expected: "it starts with a list in apisix.ssl.ssl_trusted_certificate",
    check: startsWith("trustedList"),
  },
  {
    id: "starts-with-http2",
    mark: "D",
    relies: "HTTP/2 for clients, as with the vendor's chart",
    expected: "it starts with enable_http2 in apisix.ssl.listen",
    check: startsWith("http2"),
  },
  {
    id: "starts-with-dictionaries",
    mark: "D",
    relies: "discovery plugins find their room, as with the vendor's chart",
    expected: "it starts with custom_lua_shared_dict of kubernetes, nacos and consul",
    check: startsWith("dictionaries"),
  },
];
