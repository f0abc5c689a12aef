import { expect, test } from "vitest";
import { GatewayGroupSpec } from "../../../operator/api/gateway-group.ts";
import type { ControlPlaneTarget } from "../../../operator/gateway/api7/https.ts";
import type { Content } from "../../../operator/observe/cluster/secrets.ts";
import { wantControlPlane } from "../../../operator/observe/control-plane/probe-wish.ts";
import { ProberPool } from "../../../operator/observe/control-plane/prober.ts";
import { Sessions } from "../../../operator/session.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { neverCalled } from "../never.ts";
import { group, type Loose } from "../objects.ts";

const PEM = { cert: "cert", key: "key" };
const PRESENT: Content = { seen: "present", resourceVersion: "1", data: { "tls.crt": "cert", "tls.key": "key" } };
const UNREADABLE: Content = { seen: "unknown", why: "Cannot get Secret gw/cert: Forbidden" };
const ABSENT: Content = { seen: "absent" };
const ANSWERED = { version: { kind: "ok", ms: 1 }, read: { kind: "ok", ms: 1 } } as const;

function world() {
  const clock = new FakeClock();
  const asked: { target: ControlPlaneTarget; atMs: number }[] = [];
  const pool = new ProberPool({
    sessions: new Sessions(),
    clock,
    lag: { laggedSince: () => false },
    wake: () => undefined,
    onBug: neverCalled,
    probe: async (target) => {
      asked.push({ target, atMs: clock.monotonicMs() });
      return ANSWERED;
    },
    count: async () => ({ counts: { routes: 3 } }),
  });
  /** One look at the group, with its Secret as it was read and its spec as it stands. */
  const look = async (client: Content, controlPlane: object = {}, counts = false) => {
    const object = group("edge", (spec: Loose) => Object.assign(spec.controlPlane, controlPlane));
    wantControlPlane(pool, "gw/edge", GatewayGroupSpec.parse(object.spec).controlPlane, client, counts);
    await clock.advance(0);
    return asked.at(-1)?.target;
  };
  return { clock, pool, look, asked };
}

test("a group that flipped returns also while its certificate's Secret cannot be read: objects are counted", async () => {
  const { clock, pool, look, asked } = world();
  await look(PRESENT);
  await look(UNREADABLE, {}, true);
  expect(pool.facts("gw/edge")).toMatchObject({ operator: { view: "readsOk" }, counts: { routes: 3 } });
  await clock.advance(60_000);
  expect(new Set(asked.map(({ target }) => target.tls))).toEqual(new Set([PEM]));
});

test("an interval is corrected while the Secret cannot be read", async () => {
  const { clock, look, asked } = world();
  await look(PRESENT, { probeIntervalSeconds: 60 });
  await look(UNREADABLE, { probeIntervalSeconds: 5 });
  await clock.advance(20_000);
  expect(asked.length).toBeGreaterThan(3);
});

/** Asked before with the certificate of Secret "cert" at https://cp:7943. Whom does the next look ask, and as who? */
test.for<[string, Content, object, Partial<ControlPlaneTarget>]>([
  ["nothing changed", UNREADABLE, {}, { endpoint: "https://cp:7943", tls: PEM }],
  [
    "another endpoint: what the old one says is no evidence of it, and the certificate is still the one to ask with",
    UNREADABLE,
    { endpoint: "https://other:7943" },
    { endpoint: "https://other:7943", tls: PEM },
  ],
  ["another name", UNREADABLE, { serverName: "cp" }, { endpoint: "https://cp:7943", serverName: "cp", tls: PEM }],
  [
    "another Secret: nobody is asked as somebody else than the gateways will be",
    UNREADABLE,
    { clientCertificateRef: { name: "second" } },
    { endpoint: "https://cp:7943", tls: undefined },
  ],
  ["the Secret is gone", ABSENT, {}, { endpoint: "https://cp:7943", tls: undefined }],
  [
    "the Secret holds another certificate",
    { ...PRESENT, data: { "tls.crt": "new", "tls.key": "new" } },
    {},
    { endpoint: "https://cp:7943", tls: { cert: "new", key: "new" } },
  ],
])("then %s", async ([, client, controlPlane, target]) => {
  const { look } = world();
  await look(PRESENT);
  expect(await look(client, controlPlane)).toEqual(target);
  // And so it stays, look for look.
  expect(await look(client, controlPlane)).toEqual(target);
});

test("a Secret that could not be read from the beginning gives no identity to ask with, and its first read does", async () => {
  const { look, asked } = world();
  expect(await look(UNREADABLE)).toEqual({ endpoint: "https://cp:7943", tls: undefined });
  await look(UNREADABLE);
  expect(asked).toHaveLength(1);
  expect(await look(PRESENT)).toEqual({ endpoint: "https://cp:7943", tls: PEM });
});
