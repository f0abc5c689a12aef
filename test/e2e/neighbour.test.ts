import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { fullNameOf, release } from "../neighbour/release.ts";
import { startLoad } from "../simulator/load.ts";
import type { Json } from "../stage/cluster.ts";
import { loadInWords } from "../stage/says.ts";
import { GATEWAY_IMAGE, Stage } from "../stage/stage.ts";
import { expectNoneLost, isReady } from "../stage/story.ts";
import { saveReport } from "../stage/watch.ts";

/** A release of the vendor's chart serves; a group of the same name is made beside it, proven, and deleted. */
let stage: Stage;
const RELEASE = "edge";
const NAME = fullNameOf(RELEASE);
const PORT = 9080;

beforeAll(async () => {
  stage = await Stage.surroundings("neighbour");
  try {
    await stage.installOperator();
    await stage.cluster.apply(...Object.values(theirs()));
    await stage.cluster.kubectl("-n", stage.namespace, "rollout", "status", `deployment/${NAME}`, "--timeout=120s");
  } catch (error) {
    await saveReport(stage, "neighbour-setup");
    throw error;
  }
});
afterAll(() => stage?.end());

/** What it serves is of no account here: whose pods get its requests is. */
const theirs = () =>
  release({
    name: RELEASE,
    namespace: stage.namespace,
    container: {
      name: "gateway",
      image: GATEWAY_IMAGE,
      imagePullPolicy: "IfNotPresent",
      args: ["upstream"],
      env: [
        { name: "UPSTREAM_PORT", value: String(PORT) },
        { name: "UPSTREAM_NAME", value: "theirs" },
      ],
      ports: [{ name: "http", containerPort: PORT }],
      readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        runAsNonRoot: true,
        runAsUser: 636,
        seccompProfile: { type: "RuntimeDefault" },
      },
    },
    ports: [{ name: "http", port: 80, targetPort: PORT }],
  });

/** Pods behind the release's Service, ready or not. */
async function behind(): Promise<string[]> {
  const slices = JSON.parse(
    await stage.cluster.kubectl(
      ...["-n", stage.namespace, "get", "endpointslices", "-l", `kubernetes.io/service-name=${NAME}`, "-o", "json"],
    ),
  );
  const endpoints: Json[] = slices.items.flatMap((slice: Json) => slice.endpoints ?? []);
  return endpoints.map(({ targetRef }) => targetRef.name).sort();
}

const theirPods = async (): Promise<Json[]> =>
  await stage.cluster.list(stage.namespace, "pods", `app.kubernetes.io/instance=${RELEASE}`);

test("0 failed requests through the release's Service while a group of its name comes, is proven, and goes", async () => {
  onTestFailed(() => saveReport(stage, "neighbour"));
  const before = (await theirPods()).map(({ metadata }) => metadata.name).sort();
  const load = startLoad({ url: await stage.url(NAME), rate: 50 });
  let sent: Awaited<ReturnType<typeof load.stop>>;
  try {
    await stage.applyGroup();
    await stage.untilProven();
    expect(await behind()).toEqual(before);
    const { conditions } = await stage.status();
    expect(conditions.map(({ type }: Json) => type)).not.toContain("SelectedByOthers");
    const [pod] = (await stage.pods()).filter(isReady);
    const eviction = await stage.cluster.api.call(
      "POST",
      `${stage.cluster.path(stage.namespace, "pods", pod.metadata.name)}/eviction`,
      { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod.metadata.name, namespace: stage.namespace } },
    );
    expect(eviction.code, "one budget, and it answers").not.toBe(500);
    await stage.untilProven();
    await stage.cluster.delete(stage.namespace, "gatewaygroups", "edge");
    const label = "holdfast.dev/group=edge";
    await stage.cluster.kubectl("-n", stage.namespace, "delete", "deploy,svc,pdb,cm,sa", "-l", label);
    await stage.cluster.wait("nothing of the group is left", async () => (await stage.pods()).length === 0, 90);
    expect(await behind()).toEqual(before);
  } finally {
    sent = await load.stop();
    console.log(loadInWords(sent));
  }
  expectNoneLost(sent);
  expect((await theirPods()).map(({ metadata }) => metadata.name).sort(), "no pod of the release was touched").toEqual(
    before,
  );
});
