/** The run's pods, made by Holdfast's own desired objects; what a run needs beside that is added here. */
import type { Publication } from "../../operator/domain/desired/config-maps.ts";
import { type Desired, desired } from "../../operator/domain/desired/index.ts";
import { rehearsalPod } from "../../operator/domain/desired/throwaway-pods.ts";
import { GATEWAY_PROFILE } from "../../operator/gateway/api7/facts.ts";
import type { Json } from "./cluster.ts";
import { CA_FILE, endpointOf, factsOf, type Place, PORT, SECRETS, type Wish } from "./group.ts";
import { CannotAsk } from "./outcome.ts";

export const ORDERS_PORT = 7999;
const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const SMALL = { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "512Mi" } };

interface Made {
  /** ConfigMaps and ServiceAccounts that the pod needs. */
  objects: Json[];
  pod: Json;
}

const NEEDED = new Set(["ConfigMap", "ServiceAccount"]);

/** Nobody owns them here: an owner that does not exist would have them collected. */
const unowned = ({ metadata: { ownerReferences: _, ...metadata }, ...rest }: Json): Json => ({ ...rest, metadata });

/** A traffic pod; `fromSnapshot` tells its start choice that the group is in fallback and that the snapshot is proven. */
export function trafficPod(place: Place, wish: Wish): Made {
  const facts = factsOf(place, wish);
  const without = desired(facts, published({}));
  const proofs = { [without.proofKey]: { digest: "sha256:conformance", verifiedAt: "2026-01-01T00:00:00Z" } };
  const found = wish.fromSnapshot === true ? desired(facts, { ...published(proofs), mode: "Fallback" }) : without;
  return made(place, wish, found, found.template);
}

const published = (proofs: Publication["proofs"]): Publication => ({ mode: "Normal", epoch: 1, proofs, frozen: false });

export function backupPod(place: Place, wish: Wish): Made {
  const found = desired(factsOf(place, wish), published({}));
  return made(place, wish, found, (found.backup as Json)?.spec.template);
}

/** A rehearsal as Holdfast makes it: loads `<short id>-candidate`, counts, ends. */
export function rehearsal(place: Place, wish: Wish, expectedCounts: Record<string, number>, loadSeconds: number): Made {
  const facts = factsOf(place, wish);
  const found = desired(facts, published({}));
  const pod = rehearsalPod(facts, found, { suffix: "1", digest: "sha256:conformance", expectedCounts, loadSeconds });
  if (pod === undefined) throw new CannotAsk(`${wish.name}: no configuration for a rehearsal`);
  return {
    objects: objectsOf(found),
    pod: mounted(place, unowned({ ...pod, metadata: { ...pod.metadata, name: wish.name } })),
  };
}

const objectsOf = (found: Desired): Json[] => found.others.filter(({ kind }) => NEEDED.has(kind)).map(unowned);

function made(place: Place, wish: Wish, found: Desired, template: Json): Made {
  const { choose, rest } = split(template.spec.initContainers);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: wish.name, namespace: place.namespace, labels: template.metadata.labels },
    spec: {
      ...template.spec,
      restartPolicy: "Never", // how a gateway ended is what is asked
      initContainers: [...choose.map((container) => askingElsewhere(place, container)), ...rest],
      containers: [...template.spec.containers, asker(place)],
      volumes: [...template.spec.volumes, programVolume],
    },
  };
  return { objects: objectsOf(found), pod: mounted(place, pod) };
}

const split = (containers: Json[]): { choose: Json[]; rest: Json[] } => ({
  choose: containers.filter(({ name }) => name === "choose"),
  rest: containers.filter(({ name }) => name !== "choose"),
});

/** What the start choice asks must not be taken for the gateway's own question. */
const askingElsewhere = (place: Place, container: Json): Json => ({
  ...container,
  env: container.env?.map((item: Json) =>
    item.name === "HOLDFAST_CP_ENDPOINT" ? { ...item, value: endpointOf(place.namespace, PORT.other) } : item,
  ),
});

/** With `caDirectory` avoided, ca.crt is mounted as a file of its own into the image's conf/ssl, too. */
function mounted(place: Place, pod: Json): Json {
  if (!place.avoided.has("caDirectory")) return pod;
  const changed = (container: Json): Json => ({
    ...container,
    volumeMounts: container.volumeMounts?.flatMap((mount: Json) =>
      mount.mountPath === GATEWAY_PROFILE.certificateDir
        ? [mount, { ...mount, mountPath: CA_FILE, subPath: "ca.crt" }]
        : [mount],
    ),
  });
  const { initContainers = [], containers } = pod.spec;
  return {
    ...pod,
    spec: { ...pod.spec, initContainers: initContainers.map(changed), containers: containers.map(changed) },
  };
}

export const programVolume = { name: "conformance-program", configMap: { name: "program" } };
export const programMount = { name: "conformance-program", mountPath: "/conformance", readOnly: true };
export const tokenEnv = {
  name: "CONFORMANCE_TOKEN",
  valueFrom: { secretKeyRef: { name: SECRETS.run, key: "token" } },
};

/** Asks what a gateway tells on 127.0.0.1 alone. */
const asker = (place: Place): Json => ({
  name: "conformance",
  image: place.options.holdfastImage,
  imagePullPolicy: "IfNotPresent",
  command: ["node", "/conformance/main.mts", "ask"],
  env: [tokenEnv],
  resources: SMALL,
  securityContext: { ...RESTRICTED, readOnlyRootFilesystem: true },
  volumeMounts: [programMount],
});

/** Relay, store and asker: the one pod that the run itself talks to. */
export function instrumentPod(place: Place): Json {
  const { namespace, options } = place;
  const { controlPlane, serverName, pullSecret } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "instrument", namespace, labels: { app: "instrument" } },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: SECRETS.pull }] }),
      containers: [
        {
          ...asker(place),
          name: "main",
          command: ["node", "/conformance/main.mts", "all"],
          env: [
            tokenEnv,
            {
              name: "CONFORMANCE_ACCESS_KEY",
              valueFrom: { secretKeyRef: { name: SECRETS.store, key: "accessKeyId" } },
            },
            { name: "CONFORMANCE_ENDPOINT", value: controlPlane },
            ...(serverName === undefined ? [] : [{ name: "CONFORMANCE_SERVER_NAME", value: serverName }]),
          ],
          readinessProbe: { httpGet: { path: "/ready", port: ORDERS_PORT }, periodSeconds: 1 },
          volumeMounts: [
            programMount,
            { name: "relay", mountPath: "/relay", readOnly: true },
            { name: "control-plane", mountPath: "/control-plane", readOnly: true },
          ],
        },
      ],
      volumes: [
        programVolume,
        { name: "relay", secret: { secretName: SECRETS.relay } },
        { name: "control-plane", secret: { secretName: SECRETS.controlPlane } },
      ],
    },
  };
}
