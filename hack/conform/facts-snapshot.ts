import { dies, type Fact, isServed, of, sameCounts } from "./judge.ts";
import { asked, no, unasked } from "./outcome.ts";
import { countsText, startText } from "./texts.ts";

/** Of exporters, of what they write, and of those that start from it. */
export const SNAPSHOT_FACTS: readonly Fact[] = [
  {
    id: "exporter-key",
    mark: "O",
    relies: "exports stay apart from the verified pair; else ExporterKeyIgnored, and no snapshot is safe",
    expected: "the exporter writes both objects under the value of API7_GATEWAY_GROUP_SHORT_ID, as it is",
    check: of("exporter", ({ puts, toldKey }) => {
      const keys = [...new Set(puts.map(({ bucket, key }) => `${bucket}/${key}`))].sort();
      if (keys.length === 0) return no("nothing was written");
      return asked(keys.join() === `config/${toldKey},resources/${toldKey}`, keys.join(", "));
    }),
  },
  {
    id: "exporter-order",
    mark: "O",
    relies: "TornPair: objects that lie more than 5 s apart are taken for halves of two exports",
    expected: "the resource object, then within 5 s the configuration object",
    check: of("exporter", ({ puts }) => {
      const first = puts.find(({ bucket }) => bucket === "resources");
      const then = puts.find(({ bucket, atMs }) => bucket === "config" && first !== undefined && atMs >= first.atMs);
      if (first === undefined || then === undefined)
        return puts.length === 0 ? unasked("nothing was written") : no("one object alone");
      const begins = puts[0]?.bucket === "resources";
      return asked(
        begins && then.atMs - first.atMs <= 5_000,
        `${puts[0]?.bucket} first, ${((then.atMs - first.atMs) / 1_000).toFixed(1)} s apart`,
      );
    }),
  },
  {
    id: "exporter-repeats",
    mark: "O",
    relies: "the age of an export, and ExportLate: LastModified says that the exporter lives",
    expected: "both objects again after each interval, also when nothing changed",
    check: of("exporter", ({ puts }) => {
      const times = puts.filter(({ bucket }) => bucket === "resources").length;
      return times === 0 ? unasked("nothing was written") : asked(times >= 2, `${times} times`);
    }),
  },
  {
    id: "exporter-shape",
    mark: "O",
    relies: "every check of a snapshot reads it: SnapshotInvalid, ControlPlaneRegressed, the rehearsal's counts",
    expected: "a pair that Holdfast's inspection finds nothing wrong with",
    check: of("exporter", ({ pair }) =>
      pair === undefined
        ? unasked("no whole pair was written")
        : asked(pair.problems.length === 0, pair.problems.join("; ") || countsText(pair.counts)),
    ),
  },
  {
    id: "exporter-counts",
    mark: "O",
    relies: "a control plane and its export are compared by counts of their items",
    expected: "as many routes, services and upstreams as count_only reads of the control plane say",
    check: of("exporter", ({ pair, onControlPlane }) => {
      if (pair === undefined) return unasked("no whole pair was written");
      const text = `exported ${countsText(pair.counts)}; on the control plane ${countsText(onControlPlane)}`;
      return asked(sameCounts(pair.counts, onControlPlane), text);
    }),
  },
  {
    id: "exporter-in-outage",
    mark: "O",
    relies: "an outage leaves the last export as it is",
    expected: "nothing is written while the control plane is gone",
    check: of("exporter", ({ putsInOutage, puts }) =>
      puts.length === 0
        ? unasked("nothing was written before, either")
        : asked(putsInOutage === 0, `${putsInOutage} objects written`),
    ),
  },
  {
    id: "reader-key",
    mark: "O",
    relies: "a pod that starts from the snapshot gets the verified pair",
    expected: "a reader reads both objects under the value of API7_GATEWAY_GROUP_SHORT_ID, once, at its start",
    check: of("reader", ({ reads, key }) => {
      const names = reads.map((row) => `${row.bucket}/${row.key}`).sort();
      return asked(
        names.join() === `config/${key},resources/${key}`,
        names.length === 0 ? "nothing was read" : names.join(", "),
      );
    }),
  },
  {
    id: "reader-loads",
    mark: "O",
    relies: "a rehearsal proves a snapshot: it counts what a reader has loaded",
    expected: "a reader loads all routes, services and upstreams that the exporter wrote",
    check: of("loads", ({ expected, seen }) =>
      asked(
        seen !== undefined && sameCounts(seen, expected),
        seen === undefined ? "its control API did not answer" : countsText(seen),
      ),
    ),
  },
  {
    id: "reader-without-control-plane",
    mark: "D",
    relies: "fallback itself",
    expected: "a reader starts and serves from the two objects alone",
    check: of("reader", ({ choice, start, answer }) => {
      if (choice !== "fallback") return unasked(`the start choice took "${choice}"`);
      const text = answer === undefined ? startText(start) : `${startText(start)}; the check says ${answer}`;
      return asked(start.is === "listening" && (answer === undefined || isServed(answer)), text);
    }),
  },
  {
    id: "reader-asks-nobody",
    mark: "O",
    relies: "status.license: pods that run from the snapshot are not counted",
    expected: "a reader sends no heartbeat and asks the control plane nothing",
    check: of("reader", ({ requests, start }) =>
      start.is === "listening"
        ? asked(requests.length === 0, requests.length === 0 ? "no request" : [...new Set(requests)].join(", "))
        : unasked("it did not start"),
    ),
  },
  {
    id: "reader-missing-object",
    mark: "O",
    relies: "no pod becomes Ready with nothing in it when the snapshot is gone",
    expected: "a reader whose object is not in the store exits with another code than 0",
    check: of("missingObject", ({ start }) => dies(start)),
  },
  {
    id: "reader-status-ready",
    mark: "O",
    relies: "a 503 of a pod that runs from the snapshot is no vote on the control plane",
    expected: "/status/ready of a reader is 503",
    check: of("reader", ({ ready, start }) =>
      start.is === "listening" ? asked(ready === 503, `${ready}`) : unasked("it did not start"),
    ),
  },
  {
    id: "reader-unknown-plugin",
    mark: "M",
    relies: "a rehearsal that counts one item less has found what the gateway does not accept",
    expected: "a reader drops an item whose plugin is not in the snapshot's list, and serves the rest",
    check: of("unknownPlugin", ({ expected, seen }, { loads }) => {
      if ("notAsked" in loads || loads.seen === undefined) return unasked("see reader-loads");
      if (seen === undefined) return no("its control API did not answer");
      return asked(
        seen["routes"] === loads.seen["routes"],
        `${seen["routes"] ?? 0} of ${expected["routes"] ?? 0} routes`,
      );
    }),
  },
  {
    id: "reader-unset-variable",
    mark: "M",
    relies: "a snapshot that names a variable which pods do not have is never proven",
    expected: "a reader refuses the whole file when it names a variable that is not set",
    check: of("unsetInSnapshot", ({ seen }) =>
      asked(
        (seen?.["routes"] ?? 0) === 0,
        seen === undefined ? "its control API did not answer" : `${seen["routes"] ?? 0} routes loaded`,
      ),
    ),
  },
  {
    id: "backup-running-mode",
    mark: "O",
    relies: "the license does not count the backup pod",
    expected: "the heartbeats of an exporter say running_mode backup",
    check: of("exporter", ({ runningModes }) => {
      const modes = [...new Set(runningModes)];
      return modes.length === 0 ? unasked("no heartbeat came") : asked(modes.join() === "backup", modes.join(", "));
    }),
  },
  {
    id: "exporter-ports",
    mark: "D",
    relies: "the backup pod is behind no Service and has no drain",
    expected: "an exporter opens neither 9080 nor 9443",
    check: of("exporter", ({ ports: { http, https } }) =>
      asked(http === "ECONNREFUSED" && https === "ECONNREFUSED", `9080 ${http}, 9443 ${https}`),
    ),
  },
];
