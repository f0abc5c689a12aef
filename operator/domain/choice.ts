// The start choice: with which of two configurations does this pod start? Pure: `choose.ts` gathers and carries out.

export type RecordedMode = "Normal" | "ToFallback" | "Fallback" | "ToNormal";

/** What `<name>-start` says. Absent: no such ConfigMap (yet, or any more). Unreadable: there, and not as it should be. */
export type Recorded = { mode: RecordedMode; epoch: number } | "absent" | "unreadable";

/** A proof published for the template that this pod was made from, and for no other. */
export type Proof = { digest: string } | "absent";

/** What came of one question to the control plane; the same words as the gateway boundary's answers. */
export type ProbeOutcome =
  | "ok"
  | "serverError"
  | "denied"
  | "refused"
  | "reset"
  | "timeout"
  | "dnsFailure"
  | "noRoute"
  | "tlsLocal"
  | "tlsRemote"
  | "malformed"
  | "aborted";

/** Both questions of a starting gateway, asked in parallel; or neither. `count`: keys that the read found, where it was answered. */
export type Probe = { version: ProbeOutcome; read: ProbeOutcome; count?: number } | "notAsked";

/**
 * What the operator has recorded of what the control plane holds: less than it should, another group's configuration, or
 * what a person took for good. Absent: what is expected, or nothing is known.
 */
export const PUBLISHED_CONTENT = ["Regressed", "Foreign", "Accepted"] as const;
export type PublishedContent = (typeof PUBLISHED_CONTENT)[number];

export interface StartFacts {
  recorded: Recorded;
  proof: Proof;
  content?: PublishedContent;
  probe: Probe;
  /** Which rendered configurations are mounted. */
  configs: { normal: boolean; fallback: boolean };
  /** Whether every storage key that the fallback configuration needs is mounted into this pod. */
  readerKeys: "present" | "absent";
}

export type StartReason =
  /** The group is in fallback: a pod of it starts from the snapshot, whatever the control plane says meanwhile. */
  | "RecordedFallback"
  | "ControlPlaneAnswered"
  | "ControlPlaneSilent"
  /** It answered, and holds nothing, or is recorded to lack what is expected of it. */
  | "ControlPlaneLacking"
  /** It answered 401 or 403. */
  | "ControlPlaneRefusedUs"
  /** The probe broke off by our own doing, so nothing is known. */
  | "ProbeAborted"
  | "NoProof"
  | "NoFallbackConfig"
  | "NoNormalConfig"
  /** The storage keys are missing from this pod. */
  | "ReaderKeyAbsent"
  /** A failure of the start choice itself; the configuration written first stays. Never decided here. */
  | "OwnFailure";

export interface StartChoice {
  choice: "normal" | "fallback";
  reason: StartReason;
}

/** Either a choice, or that the control plane must be asked first. A probe given is never asked for again. */
export type StartStep = ({ probeFirst: false } & StartChoice) | { probeFirst: true };

/**
 * The decision, first rule that fits. "Usable" = a proof for this template is published and the fallback configuration
 * is mounted: nothing unproven is ever started (law 3).
 * 1. No normal configuration: fallback if usable, nothing else could start.
 * 2. Recorded Fallback or ToFallback, usable, storage keys at hand: fallback, without a probe.
 * 3. The control plane is asked; also where the answer can change nothing, because it counts as a witness's word.
 *    It answered both questions: normal. `ReaderKeyAbsent` tells that only the missing keys forbade rule 2. But one that holds
 *    nothing, or that is recorded as Regressed or Foreign, has not answered where the fallback is usable: a gateway that
 *    follows it is Ready and says 404.
 * 4. It did not, and the fallback is not usable: normal, as without Holdfast.
 * 5. The probe broke off before it could tell: normal. Unknown moves nothing (law 2).
 * 6. It did not answer: fallback. Also after 401/403, where a normal start dies just as surely: a pod that cannot start harms
 *    nobody by starting elsewhere, and the operator reports the misconfiguration on its own.
 *
 * Missing keys do not change rule 6: a normal gateway would exit on the missing control plane. But no gateway is started
 * (`startsInVain`): the kubelet lets the choice be made again, and again, until the control plane or the keys are there.
 *
 * Publishing a proof is the permission to use it: where pods must not choose the fallback by themselves, the operator
 * publishes none outside of a recorded fallback.
 */
export function chooseStart(facts: StartFacts): StartStep {
  const { recorded, proof, probe, configs, readerKeys } = facts;
  const usable = proof !== "absent" && configs.fallback;
  const wanted = usable && isRecordedFallback(recorded);
  if (!configs.normal) return decided(usable ? "fallback" : "normal", "NoNormalConfig");
  if (wanted && readerKeys === "present") return decided("fallback", "RecordedFallback");
  if (probe === "notAsked") return { probeFirst: true };
  if (probe.version === "ok" && probe.read === "ok") {
    if (usable && isLacking(facts, probe.count)) return decided("fallback", "ControlPlaneLacking");
    return decided("normal", wanted ? "ReaderKeyAbsent" : "ControlPlaneAnswered");
  }
  if (!usable) return decided("normal", proof === "absent" ? "NoProof" : "NoFallbackConfig");
  if (probe.version === "aborted" || probe.read === "aborted") return decided("normal", "ProbeAborted");
  if (readerKeys === "absent") return decided("fallback", "ReaderKeyAbsent");
  return decided("fallback", refused(probe) ? "ControlPlaneRefusedUs" : "ControlPlaneSilent");
}

function isRecordedFallback(recorded: Recorded): boolean {
  return typeof recorded === "object" && (recorded.mode === "Fallback" || recorded.mode === "ToFallback");
}

/** Without the storage keys a fallback gateway would end: then what little there is is better, and nothing at all is not. */
function isLacking({ content, readerKeys }: StartFacts, count: number | undefined): boolean {
  if (content === "Accepted") return false;
  return count === 0 || (content !== undefined && readerKeys === "present");
}

function refused(probe: Exclude<Probe, "notAsked">): boolean {
  return probe.version === "denied" || probe.read === "denied";
}

const decided = (choice: StartChoice["choice"], reason: StartReason): StartStep => ({
  probeFirst: false,
  choice,
  reason,
});

/** The termination message of a start: at most 4 KiB of JSON, the facts behind the mode of a pod. */
export interface StartMessage extends StartChoice {
  /** Hash of the template that this pod was made from. */
  template: string;
  epoch?: number;
  /** Optional references that are not there: closed list, in the order below. */
  absent: readonly StartReference[];
  /** Not there when the control plane was not asked. */
  probe?: { version: ProbeOutcome; read: ProbeOutcome; count?: number };
  /** With OwnFailure: a code (ENOSPC, HardLimit), never a text. */
  failure?: string;
  ms: number;
}

/**
 * No gateway could start: neither the control plane nor the storage keys are there. A gateway container that restarts
 * keeps its configuration, an init container that failed decides anew; so this one fails, with what it found.
 */
export const startsInVain = ({ choice, absent }: { choice: string; absent: readonly string[] }): boolean =>
  choice === "fallback" && absent.includes("readerKeys");

export const START_REFERENCES = [
  "start",
  "normalConfig",
  "fallbackConfig",
  "clientCertificate",
  "clientCA",
  "readerKeys",
  "endpoint",
] as const;
export type StartReference = (typeof START_REFERENCES)[number];

/** Reads a termination message back; undefined for whatever `choose` did not write (a kubelet's text, a cut one). */
export function parseStartMessage(text: string): StartMessage | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { choice, reason, template, epoch, absent, probe, failure, ms } = value;
  if ((choice !== "normal" && choice !== "fallback") || typeof reason !== "string") return undefined;
  const { version, read, count } = isRecord(probe) ? probe : {};
  return {
    choice,
    reason: reason as StartReason,
    template: typeof template === "string" ? template : "",
    ...(typeof epoch === "number" ? { epoch } : {}),
    absent: Array.isArray(absent) ? START_REFERENCES.filter((reference) => absent.includes(reference)) : [],
    ...(typeof version === "string" && typeof read === "string"
      ? {
          probe: {
            version: version as ProbeOutcome,
            read: read as ProbeOutcome,
            ...(typeof count === "number" ? { count } : {}),
          },
        }
      : {}),
    ...(typeof failure === "string" ? { failure } : {}),
    ms: typeof ms === "number" ? ms : 0,
  };
}

const MODES: readonly string[] = ["Normal", "ToFallback", "Fallback", "ToNormal"] satisfies RecordedMode[];

/**
 * Reads start.json of `<name>-start`: `{"mode","epoch","content","proofs":{"<template hash>":{"digest","verifiedAt"}}}`. A
 * part that is not as it should be is unreadable or absent, and the rest counts: a newer operator's mode word, for example,
 * must not take the proof away.
 */
export function parseStart(text: string, template: string): Pick<StartFacts, "recorded" | "proof" | "content"> {
  const value = parseObject(text) ?? {};
  const { mode, epoch, proofs } = value;
  const known = typeof mode === "string" && MODES.includes(mode) && Number.isSafeInteger(epoch);
  const recorded: Recorded = known ? { mode: mode as RecordedMode, epoch: epoch as number } : "unreadable";
  const proof = isRecord(proofs) ? proofs[template] : undefined;
  const digest = isRecord(proof) ? proof["digest"] : undefined;
  const content = parseContent(text);
  return {
    recorded,
    proof: typeof digest === "string" && digest !== "" ? { digest } : "absent",
    ...(content === undefined ? {} : { content }),
  };
}

export function parseContent(text: string): PublishedContent | undefined {
  const content = parseObject(text)?.["content"];
  return PUBLISHED_CONTENT.find((known) => known === content);
}

/** Objects per kind that were verified, for the operator; undefined where that was not published. */
export function parseExpected(text: string): Record<string, number> | undefined {
  const expected = parseObject(text)?.["expected"];
  if (!isRecord(expected)) return undefined;
  const counts = Object.entries(expected).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]));
  return Object.fromEntries(counts);
}

/** Of all templates, for the operator. */
export function parseProofs(text: string): Record<string, { digest: string; verifiedAt: string }> {
  const proofs = parseObject(text)?.["proofs"];
  const whole = Object.entries(isRecord(proofs) ? proofs : {}).flatMap(([key, proof]) => {
    const { digest, verifiedAt } = isRecord(proof) ? proof : {};
    return typeof digest === "string" && digest !== "" && typeof verifiedAt === "string"
      ? [[key, { digest, verifiedAt }] as const]
      : [];
  });
  return Object.fromEntries(whole);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
