/** The one thing of the lab that no namespace holds: the cgroup below which its pods are counted. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const unified = (): boolean => existsSync(join(ROOT, "cgroup.controllers"));

/** All folders of this cgroup: one on cgroup v2, one per controller on v1. */
export function cgroupFolders(cgroup: string): string[] {
  if (unified()) return [join(ROOT, cgroup)];
  return readdirSync(ROOT).map((controller) => join(ROOT, controller, cgroup));
}

/** On v2 a cgroup has only the controllers that its parent hands down; kubelet refuses one that lacks some. */
function handDownControllers(folder: string): void {
  if (folder !== ROOT) handDownControllers(dirname(folder));
  for (const controller of ["cpuset", "cpu", "memory", "pids", "io", "hugetlb"]) {
    try {
      writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      // This kernel has no such controller, or it is ours only in part: kubelet says which one it misses.
    }
  }
}

export function makeCgroup(cgroup: string): void {
  for (const folder of cgroupFolders(cgroup)) mkdirSync(folder, { recursive: true });
  if (unified()) handDownControllers(dirname(join(ROOT, cgroup)));
}

function removeFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeFolder(join(folder, entry.name));
  }
  rmdirSync(folder);
}

/** Removes it with all below. Throws while a process is still in it. */
export function removeCgroup(cgroup: string): void {
  for (const folder of cgroupFolders(cgroup)) removeFolder(folder);
}
