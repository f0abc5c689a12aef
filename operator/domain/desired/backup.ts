import { ANNOTATION, childName, LABEL, storeKey } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { mergeTemplate } from "../objects/merge.ts";
import { selectsBackup } from "../objects/neighbours.ts";
import { hashOf } from "../values/hash.ts";
import { given, type JsonObject, objectsAt } from "../values/json.ts";
import {
  about,
  childObject,
  EDIT_THE_GROUP,
  GATE,
  labelsOf,
  MARK,
  NEVER_SERVES,
  selectorOf,
  VOLUME,
} from "./common.ts";
import {
  configureContainer,
  configVolume,
  confVolume,
  gatewayContainer,
  gatewayVolumes,
  podSecurity,
  storeVolume,
} from "./containers.ts";
import { backupInputsHash } from "./inputs.ts";
import { type Live, liveOf } from "./live.ts";
import { templateProblems } from "./pod-template-rules.ts";
import { secretVersion, storeSecret } from "./references.ts";
import { pullSecrets } from "./traffic.ts";

/**
 * The exporter: no port, no Service, no budget, one at a time. It is left out when it is not wanted, when its
 * configuration could not be rendered, and when its podTemplate is refused; what runs then stays.
 */
export function backupDeployment(
  facts: Facts,
  exporter: string | undefined,
): { object?: KubeObject; problems: Problem[] } {
  const { name, spec } = facts.group;
  if (!spec.backup.enabled || exporter === undefined) return { problems: [] };
  const base = baseTemplate(facts, exporter);
  const problems = templateProblems(facts, "backup", spec.backup.podTemplate, base);
  if (problems.length > 0) return { problems };
  const template = mergeTemplate(base, spec.backup.podTemplate);
  const inputs = backupInputsHash(facts, liveOf(facts, "backup"));
  const object = childObject(facts, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    name: childName.backup(name),
    role: "backup",
    fate: "owned",
    about: about(facts, "Pod that exports the configuration to the fallback storage", EDIT_THE_GROUP),
    annotations: { [ANNOTATION.inputsHash]: inputs, [ANNOTATION.templateHash]: hashOf(template) },
    body: {
      spec: {
        replicas: 1, // the last writer wins: two exporters would mix their pairs
        selector: { matchLabels: selectorOf(facts, "backup") },
        strategy: { type: "Recreate" },
        revisionHistoryLimit: 3,
        progressDeadlineSeconds: 600,
        template,
      },
    },
  });
  return { object, problems };
}

function baseTemplate(facts: Facts, exporter: string): JsonObject {
  const { name, spec } = facts.group;
  const live = liveOf(facts, "backup");
  const secret = storeSecret(facts, "writer", live);
  return {
    metadata: {
      labels: { ...labelsOf(facts, "backup"), [LABEL.license]: "excluded" },
      annotations: {
        ...about(facts, "Pod that exports the configuration", "It serves nothing; deleting it only delays an export."),
        ...given(MARK.clientCertificate, secretVersion(facts.secrets.client, live, MARK.clientCertificate)),
        ...given(MARK.writerSecret, secretVersion(facts.secrets.writer, live, MARK.writerSecret)),
      },
    },
    spec: {
      serviceAccountName: childName.backupAccount(name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...pullSecrets(facts),
      securityContext: podSecurity(facts),
      ...(isGated(facts, live) ? { readinessGates: NEVER_SERVES } : {}),
      initContainers: [configureContainer(facts, VOLUME.config, secret !== undefined)],
      containers: [{ ...gatewayContainer(facts, storeKey.raw(spec.shortID)), livenessProbe: processLives(facts) }],
      // Not optional here: without keys or certificate it could only fail, and so the pod's events name what is missing.
      volumes: [
        configVolume(VOLUME.config, exporter, false),
        confVolume,
        ...storeVolume(secret, false),
        ...gatewayVolumes(facts, false),
      ],
    },
  };
}

/**
 * Where somebody's Service selects it, the exporter is never ready. Not always: a Deployment that is 0 of 1 available for
 * ever is an alert in most clusters.
 */
function isGated(facts: Facts, live: Live | undefined): boolean {
  const selected = selectsBackup(facts);
  return selected === "unknown" ? hasGate(live?.template) : selected;
}

/** Is a pod of this template never ready? */
export const hasGate = (template: unknown): boolean =>
  objectsAt(template, "spec", "readinessGates").some((gate) => gate["conditionType"] === GATE);

/** The process accepts connections. Lenient: a restarted exporter only exports later. A probe needs no containerPort. */
function processLives({ rendered: { profile } }: Facts): JsonObject {
  return {
    tcpSocket: { port: profile.ports.status },
    initialDelaySeconds: 30,
    periodSeconds: 20,
    timeoutSeconds: 5,
    failureThreshold: 6,
  };
}
