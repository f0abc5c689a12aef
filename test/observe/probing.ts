/** A pool of probers on a clock that stands still, and a control plane that answers as it is told: for prober, counter. */
import type { Answer } from "../../operator/gateway/api7/answer.ts";
import type { ControlPlaneProbe } from "../../operator/gateway/api7/probe.ts";
import type { ProberOptions, ProbeWish } from "../../operator/observe/control-plane/probed.ts";
import { ProberPool } from "../../operator/observe/control-plane/prober.ts";
import { Sessions } from "../../operator/session.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import { neverCalled } from "./never.ts";

export const ok: Answer = { kind: "ok", ms: 1 };
export const refused: Answer = { kind: "refused", ms: 1 };
export const UP: ControlPlaneProbe = { version: ok, read: ok };
export const DOWN: ControlPlaneProbe = { version: refused };
const TLS = { cert: "cert", key: "key" };
const WISH: ProbeWish = { endpoint: "https://cp", tls: TLS, certificate: "s", intervalMs: 5_000, counts: false };

export function probing(count: ProberOptions["count"] = neverCalled as never) {
  const clock = new FakeClock();
  const woken: string[][] = [];
  const probes: string[] = [];
  let answer: ControlPlaneProbe = UP;
  let takesMs = 0;
  let lagged = false;
  const sessions = new Sessions();
  const pool = new ProberPool({
    sessions,
    onBug: neverCalled,
    clock,
    lag: { laggedSince: () => lagged },
    wake: (keys) => void woken.push([...keys]),
    probe: (target) => {
      probes.push(target.endpoint);
      const now = answer;
      return new Promise((resolve) => clock.after(takesMs, () => resolve(now)));
    },
    count,
  });
  const want = (group: string, change: Partial<ProbeWish> = {}) => pool.want(group, { ...WISH, ...change });
  return {
    clock,
    pool,
    sessions,
    want,
    woken,
    probes,
    say: (next: ControlPlaneProbe) => (answer = next),
    slow: (ms: number) => (takesMs = ms),
    lag: (is: boolean) => (lagged = is),
    view: (group = "a") => pool.facts(group)?.operator,
  };
}
