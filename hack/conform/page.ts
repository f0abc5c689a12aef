import { ORDERED } from "./report.ts";

const WAYS: Readonly<Record<string, string>> = {
  D: "documented by the vendor",
  O: "seen on a gateway of about 3.9.0",
  M: "measured on open-source APISIX 3.18.0",
  U: "unknown",
};

/** docs/real-gateway.md: the commands, and the facts as the run has them. */
export function realGatewayPage(note: string, table: (heads: string[], rows: string[][]) => string): string {
  const facts = ORDERED.map(({ id, mark, expected, relies }) => [`\`${id}\``, mark, expected, relies]);
  const marks = Object.entries(WAYS).map(([mark, text]) => `${mark}: ${text}`);
  return `${note}${TEXT}
## The facts
${marks.join(", ")}.

${table(["fact", "known", "expected", "what of Holdfast relies on it"], facts)}
${BY_HAND}`;
}

const TEXT = `# Asking a real gateway
Holdfast relies on facts about the API7 gateway that the vendor does not document. \`hack/conformance\` asks a gateway of yours
for each of them and prints a table: fact, expected, seen. Run it before you trust Holdfast with a gateway version. The
project itself has run it against its simulated gateway alone (\`test/e2e/conformance.test.ts\`).

## What you need
* A Kubernetes cluster, 1.30 or later, and a kubeconfig that may create a namespace and read the Secret with the client certificate.
* A control plane (dp-manager) that pods of this cluster reach, with a gateway group for tests that holds at least one route. The
  run only reads from it, but its gateways send heartbeats: for some minutes the license counts a few more cores.
* Holdfast's image in a registry that the cluster pulls from ([README](../README.md#install)), and a gateway image of 3.9.13 or later.
* On your machine: this checkout with Node 24 (\`npm ci\`), kubectl and openssl.

## The run
\`\`\`sh
npm ci
kubectl -n gateways create secret generic edge-dp-cert --from-file=tls.crt --from-file=tls.key --from-file=ca.crt
./hack/conformance \\
  --image api7/api7-ee-3-gateway:3.9.13 \\
  --holdfast-image registry.example.com/holdfast:0.1.0 \\
  --control-plane https://api7-dp-manager.api7.svc:7943 \\
  --client-certificate-secret gateways/edge-dp-cert \\
  --short-id 7f3a91 \\
  --check-path /healthz --check-host api.example.com
\`\`\`
* \`--check-path\` is a route that the group answers with something else than 404. Without it three facts are not asked.
* Files instead of the Secret: \`--client-certificate tls.crt --client-key tls.key --ca ca.crt\`.
* A name in the control plane's certificate that is not the URL's host: \`--server-name\`.
* Pull Secret: \`--pull-secret gateways/registry\`. Another cluster of the kubeconfig: \`--context\`. A slow gateway: \`--start-seconds 120\`.
* Your own \`spec.gateway.config\`: \`--gateway-config @config.json\`.
* \`--json report.json\` writes the same for machines; \`--keep\` leaves the namespace for a look at the gateways' logs.

| exit code | meaning |
| --- | --- |
| 0 | every fact was asked and is as expected |
| 1 | a fact differs: below the table stands what of Holdfast relies on it |
| 2 | no fact differs, and one could not be asked: the table, or one line that begins with \`error:\`, says why |

It took 73 s against the simulated gateway. All that it makes is in one namespace \`holdfast-conformance-SUFFIX\`, which it removes at the end, also on
Ctrl-C. Was it killed with SIGKILL: \`kubectl delete namespace -l holdfast.dev/conformance\`.

## What it does
The pods are those that Holdfast itself makes, by the same code: traffic pods with the start choice, a backup pod, rehearsals. Between
them and your control plane stands a relay, a pod with Holdfast's image: it hands requests on with your client certificate,
notes them, and plays an outage. Your control plane and its other gateways do not notice. The store is part of that pod, too,
so no bucket of yours is touched. Gateways trust the relay by an authority that is made for the run.

The copy of your client certificate, the export and the keyring in it live in that namespace alone, for the time of the run. Neither
table nor report holds any of them. Whoever may read Secrets or exec into pods there can read them: use a group for tests.

Where a gateway does not start with the configuration as it is rendered, the run tries each part that a build may refuse alone,
names those that fail, and asks the rest without them.
`;

const BY_HAND = `## What it does not ask
These need hands on the product's database, its license page, or a process in the gateway:
* **A restore of the database.** Do gateways that ran go deaf? Restore an older backup, change a route, look whether a gateway that
  was not restarted serves it. Holdfast relies on [a restart after a restore](operating.md#after-a-restore-of-the-control-plane).
* **The license.** Scale a group to three in fallback: the license page must count none of the pods that run from the snapshot.
* **A control plane that hangs** (firewall rule that drops): the metric should keep its value for less than 30 s, then say nothing.
* **A worker that dies in an outage** (\`kill -9\` of an nginx worker): \`/status/ready\` should say 503 and name the worker.
* **Azure Blob.** The run's store speaks S3.
* **The startup probe.** The image needs \`/bin/sh\` (without it no pod becomes Ready) and should have bash (without it the probe
  checks nothing): \`docker run --rm --entrypoint /bin/sh IMAGE -c 'command -v bash'\`.

A fact that differs: please open an issue with the report of \`--json\`.
`;
