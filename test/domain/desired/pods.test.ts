// What the pods of a group are made of: traffic pods start without what is absent, backup pods serve nobody.
import { expect, test } from "vitest";
import { AZURE, containerOf, type Loose, objectOf, PROFILE, podSpecOf, S3, wanted } from "./world.ts";

const references = (template: Loose): { what: string; optional: unknown }[] => [
  ...template.volumes.flatMap((volume: Loose) =>
    [volume.configMap, volume.secret]
      .filter(Boolean)
      .map((source) => ({ what: `volume ${volume.name}`, optional: source.optional })),
  ),
  ...[...template.initContainers, ...template.containers].flatMap((container: Loose) =>
    (container.env ?? [])
      .filter((item: Loose) => item.valueFrom !== undefined)
      .map((item: Loose) => ({
        what: `env ${container.name}/${item.name}`,
        optional: item.valueFrom.secretKeyRef.optional,
      })),
  ),
];

test.for([
  ["S3", {}, 5],
  ["Azure Blob", { storage: AZURE }, 5],
] as const)("every reference of a traffic pod but its images is optional: %s", ([, changes, count]) => {
  const found = references(podSpecOf(wanted(changes).traffic));
  expect(found).toHaveLength(count);
  expect(found.filter(({ optional }) => optional !== true)).toEqual([]);
});

test("no mount of a traffic pod turns into a directory when its Secret or ConfigMap is absent", () => {
  const spec = podSpecOf(wanted().traffic);
  const absentable = spec.volumes.filter((volume: Loose) => volume.configMap || volume.secret);
  const names = absentable.map(({ name }: Loose) => name);
  const bySubPath = [...spec.initContainers, ...spec.containers].flatMap((container: Loose) =>
    container.volumeMounts.filter((mount: Loose) => mount.subPath !== undefined && names.includes(mount.name)),
  );
  expect(bySubPath).toEqual([]);
});

test("the backup pod has no port, no Service selects it, no budget counts it, one runs at a time", () => {
  const found = wanted({ spec: { backup: { podTemplate: { metadata: { labels: { team: "edge" } } } } } });
  const backup = found.backup as Loose;
  const labels = backup.spec.template.metadata.labels;
  const gateway = containerOf(podSpecOf(backup), "gateway");
  expect(gateway.ports).toBeUndefined();
  expect(gateway.env[0]).toEqual({ name: "API7_GATEWAY_GROUP_SHORT_ID", value: "7f3a91-raw" });
  expect(labels).toMatchObject({ "holdfast.dev/license": "excluded", "holdfast.dev/role": "backup", team: "edge" });
  expect(backup.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
  for (const selector of [
    objectOf(found, "Service", "edge").spec.selector,
    objectOf(found, "PodDisruptionBudget", "edge").spec.selector.matchLabels,
    (found.traffic as Loose).spec.selector.matchLabels,
  ]) {
    expect(Object.entries(selector).every(([key, value]) => labels[key] === value)).toBe(false);
  }
  expect(found.traffic).toMatchObject({
    spec: { template: { metadata: { labels: { "holdfast.dev/license": "counted", "holdfast.dev/role": "traffic" } } } },
  });
});

test("a roll starts a pod before it ends one, and a pod drains before it ends", () => {
  const { spec } = wanted({ spec: { traffic: { drainSeconds: 45 } } }).traffic as Loose;
  expect(spec).toMatchObject({
    minReadySeconds: 5,
    revisionHistoryLimit: 3,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
  });
  const gateway = containerOf(spec.template.spec, "gateway");
  expect(gateway.lifecycle).toEqual({ preStop: { sleep: { seconds: 45 } } });
  expect(spec.template.spec.terminationGracePeriodSeconds).toBe(45 + 240 + 10);
  const { tcpSocket, initialDelaySeconds, periodSeconds, failureThreshold } = gateway.readinessProbe;
  expect(tcpSocket).toEqual({ port: 9080 });
  expect(initialDelaySeconds + periodSeconds, "soon Ready").toBeLessThanOrEqual(3);
  expect(periodSeconds * failureThreshold, "a starved node keeps its pods as long as with the chart").toBe(60);
  expect(gateway.livenessProbe).toBeUndefined();
  const { exec, ...often } = gateway.startupProbe;
  expect(exec.command, "asked inside the pod, of the gateway itself").toEqual(PROFILE.loadedCommand);
  expect(often.periodSeconds, "soon seen").toBe(1);
  expect(often.periodSeconds * often.failureThreshold, "a slow start is not ended").toBeGreaterThanOrEqual(300);
  expect(gateway.imagePullPolicy).toBe("IfNotPresent");
});

test("the start choice gets what it decides by, and can hardly fail for lack of memory", () => {
  const found = wanted({ spec: { controlPlane: { ...CONTROL_PLANE, serverName: "dp.example.org" } } });
  const choose = containerOf(podSpecOf(found.traffic), "choose");
  expect(podSpecOf(found.traffic).initContainers[0]).toBe(choose);
  expect(choose.args).toEqual(["choose"]);
  expect(choose.resources.requests.memory).toBe(choose.resources.limits.memory);
  expect(choose.env.slice(0, 3)).toEqual([
    { name: "HOLDFAST_TEMPLATE_HASH", value: found.proofKey },
    { name: "HOLDFAST_CP_ENDPOINT", value: "https://dp-manager.api7.svc:7943" },
    { name: "HOLDFAST_CP_SERVER_NAME", value: "dp.example.org" },
  ]);
  expect(choose.volumeMounts.map(({ name, mountPath }: Loose) => `${name} ${mountPath}`)).toEqual([
    "start /holdfast/start",
    "normal /holdfast/normal",
    "fallback /holdfast/fallback",
    "cp-cert /holdfast/cp-cert",
    "holdfast-store-keys /holdfast/store",
    "conf /holdfast/conf",
  ]);
  const config = containerOf(podSpecOf(found.traffic), "gateway").volumeMounts.find(
    ({ name }: Loose) => name === "conf",
  );
  expect(config).toMatchObject({ mountPath: "/usr/local/apisix/conf/config.yaml", subPath: "config.yaml" });
});
const CONTROL_PLANE = {
  endpoint: "https://dp-manager.api7.svc:7943",
  clientCertificateRef: { name: "edge-dp-cert" },
};

test("without a storage a group still gets its traffic pods, which know of no snapshot", () => {
  const found = wanted({
    rendered: { reader: undefined as Loose, exporter: undefined as Loose },
    facts: { storage: { seen: "absent", name: "eu" } },
  });
  expect(found.keep).toBeUndefined();
  const spec = podSpecOf(found.traffic);
  expect(spec.volumes.map(({ name }: Loose) => name)).not.toContain("fallback");
  expect(JSON.stringify(spec)).not.toContain("HOLDFAST_STORE_");
});

test.for([
  ["S3", S3, "gw-s3"],
  ["Azure Blob", AZURE, "gw-azure"],
] as const)("no gateway has a storage key in its environment or can open the Secret: %s", ([, storage, secret]) => {
  const found = wanted({ storage });
  for (const spec of [podSpecOf(found.traffic), podSpecOf(found.backup)]) {
    expect(JSON.stringify(spec)).not.toContain("HOLDFAST_STORE_");
    expect(JSON.stringify(spec)).not.toContain("secretKeyRef");
    const volume = spec.volumes.find((each: Loose) => each.secret?.secretName === secret);
    const mounting = [...spec.initContainers, ...spec.containers].filter((each: Loose) =>
      each.volumeMounts.some(({ name }: Loose) => name === volume.name),
    );
    expect(mounting.map(({ name }: Loose) => name)).toEqual(["choose"]);
    // What it writes stays in memory: a disk would keep the keys.
    expect(spec.volumes.find(({ name }: Loose) => name === "conf").emptyDir.medium).toBe("Memory");
    const config = containerOf(spec, "gateway").volumeMounts.find(({ subPath }: Loose) => subPath === "config.yaml");
    expect(config).toMatchObject({ name: "conf", readOnly: true });
  }
});

test("an exporter has nothing to choose: its one configuration gets its keys, or the pod's events name the Secret", () => {
  const spec = podSpecOf(wanted().backup);
  const configure = containerOf(spec, "choose");
  expect(configure.args).toEqual(["choose", "--configure"]);
  expect(configure.volumeMounts.map(({ name, mountPath }: Loose) => `${name} ${mountPath}`)).toEqual([
    "config /holdfast/fallback",
    "holdfast-store-keys /holdfast/store",
    "conf /holdfast/conf",
  ]);
  const secrets = spec.volumes.filter((volume: Loose) => volume.secret !== undefined);
  expect(secrets.map((volume: Loose) => volume.secret.optional)).toEqual([undefined, undefined]);
});
