import type { GroupFacts } from "../facts/facts.ts";
import { identityOf } from "./endpoint.ts";
import type { GroupMemory, Subject } from "./memory.ts";

function subjectOf({ uid, spec }: GroupFacts): Subject {
  return { group: uid, controlPlane: identityOf(spec.controlPlane.endpoint, spec.controlPlane.serverName) };
}

/**
 * What of a memory is about this group and this control plane. Moves of pods are the group's own, whatever control plane it
 * has; how long a verdict held, since when nobody answered, and how often it came and went are of one control plane alone:
 * an hour's loss of one must not move a group that has just been told of another.
 */
export function aboutNow(group: GroupFacts, memory: GroupMemory): GroupMemory & { subject: Subject } {
  const subject = subjectOf(group);
  const {
    subject: before,
    verdict: _v,
    unansweredSinceMs: _u,
    disputedSinceMs: _d,
    relapses: _r,
    ...ofTheGroup
  } = memory;
  if (before?.group !== subject.group) return { subject };
  return before.controlPlane === subject.controlPlane ? { ...memory, subject } : { ...ofTheGroup, subject };
}
