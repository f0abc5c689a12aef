/** docs/lifecycle.md: a snapshot that a person puts back as the page says is proven, and stays. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { content, provenWorld } from "../scenarios/world.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/lifecycle.md"), "utf8");
const older = content("0d", 38);

test("in fallback: under the candidate's key first, then under the verified one", () => {
  expect(PAGE).toMatch(/first `7f3a91-candidate` in both buckets, then `7f3a91` in both/);
  const world = provenWorld();
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 200);
  world.candidate = older;
  world.run(10);
  world.verified = older;
  world.run(120);
  expect([world.status.fallbackReady, world.status.snapshot?.digest]).toEqual(["Proven", older.digest]);
  expect([world.mode, world.verified, world.broken]).toEqual(["Fallback", older, []]);
});

test("under the verified key alone it does not stay", () => {
  expect(PAGE).toContain("under the verified key alone does not stay");
  const world = provenWorld();
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 200);
  world.verified = older;
  world.run(120);
  expect(world.verified).toEqual(world.held);
});

test("in normal mode: the backup is off, and it comes as an export", () => {
  expect(PAGE).toContain("`backup.enabled: false`, then the older pair under `7f3a91-raw`");
  const world = provenWorld();
  world.spec = { ...world.spec, backup: { ...world.spec.backup, enabled: false } };
  world.objects.delete("Deployment/edge-backup");
  world.raw = { content: older, atMs: world.nowMs };
  world.annotations["holdfast.dev/rehearse-at"] = "2026-01-01T00:00:00Z";
  const words = new Set<string | undefined>();
  world.until(() => {
    words.add(world.status.fallbackReady);
    return world.status.snapshot?.digest === older.digest;
  }, 120);
  world.run(60);
  expect([world.status.snapshot?.digest, world.verified]).toEqual([older.digest, older]);
  expect([[...words], world.mode, world.broken]).toEqual([["Proven"], "Normal", []]);
});
