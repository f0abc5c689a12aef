import { ANNOTATION, childName, LABEL } from "../../api/names.ts";
import type { KubeObject, KubeTemplate } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { mergeTemplate } from "../objects/merge.ts";
import { hashOf } from "../values/hash.ts";
import { given, type JsonObject, named, objectAt, objectsAt } from "../values/json.ts";
import {
  about,
  CONTAINER,
  childObject,
  EDIT_THE_GROUP,
  LOADS_WITH,
  labelsOf,
  MARK,
  selectorOf,
  VOLUME,
} from "./common.ts";
import {
  chooseContainer,
  configVolume,
  confVolume,
  gatewayContainer,
  gatewayVolumes,
  podSecurity,
  storeVolume,
} from "./containers.ts";
import type { Live } from "./live.ts";
import { templateProblems } from "./pod-template-rules.ts";
import { type ConfigNames, secretVersion, storeSecret } from "./references.ts";

export interface TrafficTemplate {
  template: KubeTemplate;
  proofKey: string;
  problems: Problem[];
}

/** The traffic pods' template; without the user's podTemplate when that is refused. */
export function trafficTemplate(facts: Facts, configs: ConfigNames, live: Live | undefined): TrafficTemplate {
  const secret = storeSecret(facts, "reader", live);
  const certificate = secretVersion(facts.secrets.client, live, MARK.clientCertificate);
  const build = (proofKey: string) => baseTemplate(facts, proofKey, configs, secret, certificate);
  const { podTemplate } = facts.group.spec.traffic;
  const problems = templateProblems(facts, "traffic", podTemplate, build(""));
  const merged = (proofKey: string) =>
    problems.length > 0 ? build(proofKey) : mergeTemplate(build(proofKey), podTemplate);
  const proofKey = proofKeyOf(merged(""), configs);
  return { template: merged(proofKey), proofKey, problems };
}

/**
 * What a proof is for: image and gateway container as merged, what the user puts beside it into the same pod's start,
 * and the reader's configuration (by the name of its ConfigMap, which is its content). Not in it: where pods run, the
 * start choice's own image, versions of Secrets, and the normal configuration.
 */
function proofKeyOf(template: JsonObject, configs: ConfigNames): string {
  const gateway = named(objectsAt(template, "spec", "containers"), CONTAINER.gateway) ?? {};
  const mounted = new Set(objectsAt(gateway, "volumeMounts").map((mount) => mount["name"]));
  const pod = objectAt(template, "spec");
  return hashOf({
    reader: configs.reader,
    pod: Object.fromEntries(LOADS_WITH.map((key) => [key, pod[key] ?? null])),
    gateway: whatLoads(gateway),
    before: objectsAt(template, "spec", "initContainers").filter((item) => item["name"] !== CONTAINER.choose),
    volumes: objectsAt(template, "spec", "volumes").filter((volume) => mounted.has(volume["name"])),
  });
}

/** How a pod ends, and when it takes requests, says nothing about what it loads. */
function whatLoads({ lifecycle: _, startupProbe: _gate, ...gateway }: JsonObject): JsonObject {
  return gateway;
}

function baseTemplate(
  facts: Facts,
  proofKey: string,
  configs: ConfigNames,
  secret: string | undefined,
  certificate: string | undefined,
): JsonObject {
  const { name, spec } = facts.group;
  return {
    metadata: {
      labels: { ...labelsOf(facts, "traffic"), [LABEL.license]: "counted" },
      annotations: {
        ...about(facts, "Gateway pod that serves traffic", "Deleting it is safe: another one takes its place."),
        [ANNOTATION.proofKey]: proofKey,
        ...given(MARK.clientCertificate, certificate),
      },
    },
    spec: {
      serviceAccountName: childName.trafficAccount(name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...pullSecrets(facts),
      securityContext: podSecurity(facts),
      terminationGracePeriodSeconds: spec.traffic.drainSeconds + SHUTDOWN_SECONDS + MARGIN_SECONDS,
      topologySpreadConstraints: spread(facts),
      initContainers: [chooseContainer(facts, proofKey, configs, secret)],
      containers: [{ ...gatewayContainer(facts, spec.shortID), ...serving(facts) }],
      volumes: volumes(facts, configs, secret),
    },
  };
}

/** Gateway contract, section 7: worker_shutdown_timeout. The grace period must cover drain and shutdown. */
const SHUTDOWN_SECONDS = 240;
const MARGIN_SECONDS = 10;

/**
 * A gateway that has no configuration after five minutes never served: it is ended, and starts again. Without a control
 * plane it then dies, and Holdfast lets another pod start from the snapshot.
 */
const UNTIL_LOADED: JsonObject = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 300 };

export const pullSecrets = ({ group: { spec } }: Facts): JsonObject =>
  given("imagePullSecrets", spec.gateway.imagePullSecrets);

function serving({ group: { spec }, rendered: { profile } }: Facts): JsonObject {
  const { http, https, status } = profile.ports;
  return {
    ports: [
      { name: "http", containerPort: http, protocol: "TCP" },
      { name: "https", containerPort: https, protocol: "TCP" },
      { name: "status", containerPort: status, protocol: "TCP" },
    ],
    // The http port, never the status port: that one speaks of the control plane (gateway contract, section 2).
    // Asked often, so that a pod that starts is soon Ready; given a minute, so that a starved node loses no pods at once.
    readinessProbe: { tcpSocket: { port: http }, initialDelaySeconds: 1, periodSeconds: 2, failureThreshold: 30 },
    // The port may be open before the configuration is there. Asked until it first succeeds, so that neither a control
    // plane nor an upstream that is lost later takes Ready away (ADR 0024).
    startupProbe: { exec: { command: [...profile.loadedCommand] }, ...UNTIL_LOADED },
    // The kubelet's own sleep: the image need not have one. The wait is what drains, a SIGQUIT closes idle connections.
    lifecycle: { preStop: { sleep: { seconds: spec.traffic.drainSeconds } } },
  };
}

function spread(facts: Facts): JsonObject[] {
  return ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorOf(facts, "traffic") },
    matchLabelKeys: ["pod-template-hash"], // else the pods that a roll is about to remove would shape the new ones' places
  }));
}

/** Everything that a pod starts from; whatever of it is not there is left for `choose` to tell. */
function volumes(facts: Facts, configs: ConfigNames, secret: string | undefined): JsonObject[] {
  const start = { name: childName.start(facts.group.name), optional: true };
  return [
    confVolume,
    { name: VOLUME.start, configMap: start },
    ...(configs.normal === undefined ? [] : [configVolume(VOLUME.normal, configs.normal, true)]),
    ...(configs.reader === undefined ? [] : [configVolume(VOLUME.fallback, configs.reader, true)]),
    ...storeVolume(secret, true),
    ...gatewayVolumes(facts, true),
  ];
}

/** Never with replicas: an apply that contains them would fight the scale subresource. */
export function trafficDeployment(
  facts: Facts,
  template: KubeTemplate,
  hashes: { inputsHash: string; templateHash: string },
): KubeObject {
  return childObject(facts, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    name: childName.traffic(facts.group.name),
    role: "traffic",
    fate: "kept",
    about: about(facts, "Gateway pods that serve traffic", `${EDIT_THE_GROUP} To scale: scale the GatewayGroup.`),
    annotations: { [ANNOTATION.inputsHash]: hashes.inputsHash, [ANNOTATION.templateHash]: hashes.templateHash },
    body: {
      spec: {
        selector: { matchLabels: selectorOf(facts, "traffic") },
        // With the API's defaults a restart during an outage takes a serving pod before its successor serves.
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
        minReadySeconds: 5,
        revisionHistoryLimit: 3,
        progressDeadlineSeconds: 600,
        template: { ...template, metadata: objectAt(template, "metadata") },
      },
    },
  });
}
