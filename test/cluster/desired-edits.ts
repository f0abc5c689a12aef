/** Edits by hand: what was edited, on which object, how, and the path that is told of it. */
import type { JsonPatchOperation } from "../../operator/kube/client.ts";

const put = (path: string, value: unknown): JsonPatchOperation => ({ op: "add", path, value });
const gone = (path: string): JsonPatchOperation => ({ op: "remove", path });
const VOLUMES = "/spec/template/spec/volumes";
const GATEWAY = "/spec/template/spec/containers/0";

export const EDITS: readonly [what: string, id: string, operations: JsonPatchOperation[], path: string][] = [
  [
    "the image",
    "Deployment/hand",
    [put(`${GATEWAY}/image`, "other:1")],
    "spec.template.spec.containers[gateway].image",
  ],
  [
    "a limit",
    "Deployment/hand",
    [put(`${GATEWAY}/resources/limits/cpu`, "3")],
    "spec.template.spec.containers[gateway].resources.limits.cpu",
  ],
  [
    "the environment",
    "Deployment/hand",
    [put(`${GATEWAY}/env/0/value`, "x")],
    "spec.template.spec.containers[gateway].env[API7_GATEWAY_GROUP_SHORT_ID].value",
  ],
  [
    "an environment variable removed",
    "Deployment/hand",
    [gone(`${GATEWAY}/env/1`)],
    "spec.template.spec.containers[gateway].env[APISIX_WORKER_PROCESSES]",
  ],
  [
    "the storage keys made mandatory",
    "Deployment/hand",
    [gone(`${VOLUMES}/4/secret/optional`)],
    "spec.template.spec.volumes[holdfast-store-keys].secret.optional",
  ],
  [
    "the pull policy",
    "Deployment/hand",
    [put(`${GATEWAY}/imagePullPolicy`, "Always")],
    "spec.template.spec.containers[gateway].imagePullPolicy",
  ],
  [
    "the readiness probe",
    "Deployment/hand",
    [put(`${GATEWAY}/readinessProbe/tcpSocket/port`, 7085)],
    "spec.template.spec.containers[gateway].readinessProbe.tcpSocket.port",
  ],
  [
    "the drain",
    "Deployment/hand",
    [gone(`${GATEWAY}/lifecycle`)],
    "spec.template.spec.containers[gateway].lifecycle.preStop.sleep.seconds",
  ],
  [
    "the config mount",
    "Deployment/hand",
    [put(`${GATEWAY}/volumeMounts/0/subPath`, "other")],
    "spec.template.spec.containers[gateway].volumeMounts[/usr/local/apisix/conf/config.yaml].subPath",
  ],
  [
    "privileges",
    "Deployment/hand",
    [gone(`${GATEWAY}/securityContext/allowPrivilegeEscalation`)],
    "spec.template.spec.containers[gateway].securityContext.allowPrivilegeEscalation",
  ],
  [
    "the start choice's image",
    "Deployment/hand",
    [put("/spec/template/spec/initContainers/0/image", "x:1")],
    "spec.template.spec.initContainers[choose].image",
  ],
  [
    "another Secret's keys",
    "Deployment/hand",
    [put(`${VOLUMES}/4/secret/secretName`, "x")],
    "spec.template.spec.volumes[holdfast-store-keys].secret.secretName",
  ],
  [
    "storage keys from elsewhere",
    "Deployment/hand",
    [gone(`${VOLUMES}/4/secret`), put(`${VOLUMES}/4/emptyDir`, {})],
    "spec.template.spec.volumes[holdfast-store-keys].secret.secretName",
  ],
  [
    "a volume made something else",
    "Deployment/hand",
    [gone(`${VOLUMES}/0/emptyDir`), put(`${VOLUMES}/0/hostPath`, { path: "/tmp" })],
    "spec.template.spec.volumes[conf].emptyDir.medium",
  ],
  [
    "a ConfigMap volume made empty",
    "Deployment/hand",
    [gone(`${VOLUMES}/1/configMap`), put(`${VOLUMES}/1/emptyDir`, {})],
    "spec.template.spec.volumes[start].configMap.name",
  ],
  [
    "another kind of readiness probe",
    "Deployment/hand",
    [gone(`${GATEWAY}/readinessProbe/tcpSocket`), put(`${GATEWAY}/readinessProbe/httpGet`, { path: "/", port: 7085 })],
    "spec.template.spec.containers[gateway].readinessProbe.tcpSocket.port",
  ],
  [
    "another kind of preStop",
    "Deployment/hand",
    [put(`${GATEWAY}/lifecycle/preStop`, { exec: { command: ["true"] } })],
    "spec.template.spec.containers[gateway].lifecycle.preStop.sleep.seconds",
  ],
  [
    "rolling exporters",
    "Deployment/hand-backup",
    [put("/spec/strategy", { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } })],
    "spec.strategy.type",
  ],
  [
    "a volume's ConfigMap",
    "Deployment/hand",
    [put("/spec/template/spec/volumes/1/configMap/name", "x")],
    "spec.template.spec.volumes[start].configMap.name",
  ],
  [
    "the strategy",
    "Deployment/hand",
    [put("/spec/strategy/rollingUpdate/maxUnavailable", 1)],
    "spec.strategy.rollingUpdate.maxUnavailable",
  ],
  [
    "the grace period",
    "Deployment/hand",
    [put("/spec/template/spec/terminationGracePeriodSeconds", 30)],
    "spec.template.spec.terminationGracePeriodSeconds",
  ],
  [
    "service links",
    "Deployment/hand",
    [gone("/spec/template/spec/enableServiceLinks")],
    "spec.template.spec.enableServiceLinks",
  ],
  [
    "the license label",
    "Deployment/hand",
    [put("/spec/template/metadata/labels/holdfast.dev~1license", "excluded")],
    'spec.template.metadata.labels["holdfast.dev/license"]',
  ],
  [
    "the proof key",
    "Deployment/hand",
    [put("/spec/template/metadata/annotations/holdfast.dev~1proof-key", "x")],
    'spec.template.metadata.annotations["holdfast.dev/proof-key"]',
  ],
  ["a second exporter", "Deployment/hand-backup", [put("/spec/replicas", 2)], "spec.replicas"],
  ["no exporter", "Deployment/hand-backup", [put("/spec/replicas", 0)], "spec.replicas"],
  [
    "the exporter's key",
    "Deployment/hand-backup",
    [put(`${GATEWAY}/env/0/value`, "7f3a91")],
    "spec.template.spec.containers[gateway].env[API7_GATEWAY_GROUP_SHORT_ID].value",
  ],
  [
    "the Service's selector",
    "Service/hand",
    [put("/spec/selector/holdfast.dev~1role", "backup")],
    'spec.selector["holdfast.dev/role"]',
  ],
  ["one label more in the Service's selector", "Service/hand", [put("/spec/selector/tier", "x")], "spec.selector.tier"],
  ["the Service's port", "Service/hand", [put("/spec/ports/0/targetPort", 9443)], "spec.ports[80/TCP].targetPort"],
  ["the budget", "PodDisruptionBudget/hand", [put("/spec/maxUnavailable", "100%")], "spec.maxUnavailable"],
  [
    "the budget turned round",
    "PodDisruptionBudget/hand",
    [gone("/spec/maxUnavailable"), put("/spec/minAvailable", 0)],
    "spec.maxUnavailable",
  ],
  [
    "the frozen budget turned round",
    "PodDisruptionBudget/cold",
    [gone("/spec/maxUnavailable"), put("/spec/minAvailable", 0)],
    "spec.maxUnavailable",
  ],
  [
    "evictions of unready pods",
    "PodDisruptionBudget/hand",
    [gone("/spec/unhealthyPodEvictionPolicy")],
    "spec.unhealthyPodEvictionPolicy",
  ],
  ["the published mode", "ConfigMap/hand-start", [put("/data/start.json", "{}")], 'data["start.json"]'],
  ["the policy's rules", "NetworkPolicy/hand-backup", [put("/spec/ingress", [{}])], "spec.ingress"],
  [
    "the policy's selector",
    "NetworkPolicy/hand-backup",
    [put("/spec/podSelector", {})],
    'spec.podSelector.matchLabels["holdfast.dev/group"]',
  ],
  ["an owner removed", "ServiceAccount/hand-backup", [gone("/metadata/ownerReferences")], `metadata.ownerReferences[`],
  [
    "a token for the pods",
    "ServiceAccount/hand-traffic",
    [gone("/automountServiceAccountToken")],
    "automountServiceAccountToken",
  ],
  [
    "what the object says of itself",
    "Service/hand",
    [put("/metadata/annotations/holdfast.dev~1about", "mine")],
    'metadata.annotations["holdfast.dev/about"]',
  ],
];
