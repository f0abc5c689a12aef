/**
 * Each fact about the gateway that Holdfast relies on and that a run can ask: once. The table of a run, and
 * docs/real-gateway.md, are made from this list. What is assumed and not documented comes first there.
 */
import { GATEWAY_FACTS, START_FACTS } from "./facts-gateway.ts";
import { SNAPSHOT_FACTS } from "./facts-snapshot.ts";
import type { Fact } from "./judge.ts";

export const FACTS: readonly Fact[] = [...SNAPSHOT_FACTS, ...GATEWAY_FACTS, ...START_FACTS];
