import { existsSync, globSync, statSync } from "node:fs";
import os from "node:os";
import { delimiter, join } from "node:path";

/** Where an etcd is: HOLDFAST_ETCD, the lab's cache, PATH. Throws with what to do when there is none. */
export function findEtcd(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = env["HOLDFAST_ETCD"];
  if (named !== undefined) return named;
  const cache = env["HOLDFAST_CACHE"] ?? join(os.homedir(), ".cache/holdfast");
  const cached = globSync(join(cache, "**/etcd")).filter((path) => statSync(path).isFile());
  const onPath = (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "etcd"));
  const found = [...cached.sort().reverse(), ...onPath].find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`no etcd found under ${cache} nor in PATH: build it with hack/binaries, or set HOLDFAST_ETCD`);
  return found;
}
