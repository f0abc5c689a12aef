/** The control plane as a process of its own, as a pod runs it: seed file, admin port, an etcd that runs elsewhere. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { program, temporaryFolder } from "../lab/process.ts";
import { type Certificates, makeCertificates } from "../simulator/certificates.ts";
import { EtcdChild } from "../simulator/control-plane/etcd.ts";
import { silentLog } from "../simulator/log.ts";
import { begin, type SimProcess, startProcess } from "../simulator/processes.ts";

const home = temporaryFolder("simulator-processes");
let etcd: EtcdChild;
let certificates: Certificates;
const running: SimProcess[] = [];
const seed = { routes: 4, services: 2, upstreams: 2, nodes: { "127.0.0.1:1": 1 } };

beforeAll(async () => {
  etcd = await EtcdChild.start({ binary: program("etcd"), dataDir: join(home.path, "etcd"), log: silentLog });
  certificates = makeCertificates(join(home.path, "certificates"), ["127.0.0.1"]);
  mkdirSync(join(home.path, "tls"));
  const { ca, server } = certificates;
  for (const [name, pem] of Object.entries({ "ca.crt": ca, "tls.crt": server.cert, "tls.key": server.key })) {
    writeFileSync(join(home.path, "tls", name), pem);
  }
  writeFileSync(join(home.path, "seed.json"), JSON.stringify(seed));
});
afterAll(async () => {
  await Promise.all(running.map((controlPlane) => controlPlane.stop()));
  await etcd?.stop();
  home.remove();
});

const where = ["--ip=127.0.0.1", "--port=0", "--health-port=0", "--admin-port=0"];
async function start(...argv: string[]): Promise<SimProcess & { admin: string }> {
  const controlPlane = await startProcess(["control-plane", `--tls-dir=${join(home.path, "tls")}`, ...where, ...argv]);
  running.push(controlPlane);
  return { ...controlPlane, admin: `http://127.0.0.1:${String(controlPlane.ports["admin"])}/admin` };
}
const json = async (url: string, body?: object): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(url, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
};
const told = async (controlPlane: SimProcess, message: string): Promise<void> => {
  await expect.poll(() => controlPlane.log.some((line) => line.message === message), { timeout: 10_000 }).toBe(true);
};

test("it seeds an empty store, and only that: its data outlives it, because it has none", async () => {
  const flags = [`--etcd=${etcd.url}`, `--seed-file=${join(home.path, "seed.json")}`];
  const first = await start(...flags);
  await told(first, "seeded");
  expect(await json(`${first.admin}/objects`)).toEqual({ status: 200, body: { count: 8 } });
  await json(`${first.admin}/objects`, { routes: [{ id: "mine", uri: "/mine" }] });
  expect(await first.stop()).toBe(0);
  const second = await start(...flags);
  await expect
    .poll(async () => (await json(`${second.admin}/objects`)).body, { timeout: 10_000 })
    .toEqual({ count: 9 });
  expect(second.log.some(({ message }) => message === "seeded")).toBe(false);
  expect(await json(`${second.admin}/fault`, { mode: "wipe" })).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("delete the etcd pod") },
  });
  await second.stop();
});

test("its admin port sets faults, seeds and tells; what it does not understand it refuses", async () => {
  const controlPlane = await start(`--etcd-binary=${program("etcd")}`, `--data-dir=${join(home.path, "own")}`);
  const { admin } = controlPlane;
  expect(await json(`${admin}/routes`, { routes: 30, services: 3, upstreams: 2, nodes: {} })).toEqual({
    status: 200,
    body: { written: 35 },
  });
  expect((await fetch(`${admin}/objects/routes/r30`, { method: "DELETE" })).status).toBe(200);
  expect((await json(`${admin}/objects`)).body).toEqual({ count: 34 });
  expect((await json(`${admin}/fault`, { mode: "slow", ms: 5 })).body).toEqual({ mode: "slow", ms: 5 });
  expect((await json(`${admin}/fault`)).body).toEqual({ mode: "slow", ms: 5 });
  expect((await json(`${admin}/fault`, { mode: "wipe" })).status).toBe(200);
  expect((await json(`${admin}/objects`)).body).toEqual({ count: 0 });
  expect((await json(`${admin}/license`)).body).toEqual({ licensedCores: 0, standard: 0, backup: 0, backupCores: 0 });
  expect((await json(`${admin}/heartbeats`)).body).toEqual([]);
  for (const wrong of [{}, { mode: "explode" }, { mode: "slow" }])
    expect((await json(`${admin}/fault`, wrong)).status).toBe(400);
  expect((await json(`${admin}/nothing`)).status).toBe(404);
  await controlPlane.stop();
});

test("without certificates or a store it says how it is used", async () => {
  expect(await begin(["control-plane"], {}).exited).toBe(2);
});
