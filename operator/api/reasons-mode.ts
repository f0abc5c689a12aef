import { reason } from "./reasons-row.ts";

/** Words of what is decided: moves, what is held back, changes that wait, and what was done to objects. */
export const MODE = {
  // --- mode
  ControlPlaneUnreachable: reason("The control plane was lost for outageAfterSeconds and a proof is at hand."),
  OrderedFallback: reason("A person ordered fallback."),
  OrderedNormal: reason("A person ordered normal mode."),
  OrderExpired: reason("An ordered fallback lasted a day beside a living control plane and was ended (license)."),
  FallbackReached: reason("The fallback mode is published; every pod that starts uses the snapshot."),
  ControlPlaneReturned: reason("The control plane answered for long enough and holds what is expected."),
  NormalReached: reason("No pod serves from the snapshot any more."),
  ModeAdopted: reason("A group without status took its mode from its pods."),
  InitialMode: reason("A new group starts in normal mode."),
  WaitingOutage: reason("The control plane is lost, not yet for outageAfterSeconds."),
  WaitingReturn: reason("The control plane is back, not yet for long enough."),
  WaitingApproval: reason(
    "The return waits for a person.",
    "Annotate holdfast.dev/approve-return as the message of Reconciling says.",
  ),
  WaitingCanary: reason("A throw-away gateway tries the control plane before the return."),
  CanaryFailed: reason(
    "A throw-away gateway did not load from the control plane; the group stays in fallback.",
    "Look at the message and at the canary pod. No annotation overrides this check.",
  ),
  Regressed: reason(
    "The control plane holds clearly less than the verified snapshot.",
    "Restore it, or accept: holdfast.dev/approve-return as the message of ControlPlaneRegressed shows it. Until then an override Fallback serves the last good pair.",
  ),
  ControlPlaneForeign: reason(
    "What the control plane exports is another gateway group's, or everything in it was created anew.",
    "Correct spec.shortID and the client certificate. If it is meant: holdfast.dev/accept-snapshot; to return to it at once: holdfast.dev/approve-return as the message of ControlPlaneRegressed shows it.",
  ),
  MovingPods: reason("Pods are being replaced, one surge at a time."),
  WouldMove: reason(
    "modePolicy is Observe: by its rules Holdfast would change the mode now, and does not.",
    "In an outage: set spec.modePolicy to Auto, or order Fallback until=. In a trial: read status.wouldHave.",
  ),
  SurgeImpossible: reason(
    "The pods that a move needs cannot be had (quota, capacity, image).",
    "Make room; nothing was shrunk.",
  ),
  MoveStalled: reason(
    "A move of pods has come no further for ten minutes. It goes on as soon as it can; groups behind it no longer wait for it.",
    "Remove what the message names: a paused Deployment, a check that nobody can ask, pods that do not become ready.",
  ),
  ServingOldSnapshot: reason("Nothing else serves, so an old snapshot is used."),
  // --- held
  Suspended: reason("spec.suspend is true.", "Set it to false when the work is done."),
  HoldOrdered: reason("The override annotation says Hold."),
  WatchesBlind: reason(
    "A watch has had no sign of the API server for 110 s: nothing is decided on what may be out of date.",
    "Look at Holdfast's log for `watch interrupted`: its rights (list, watch), API priority and fairness, the network.",
  ),
  NoProof: reason(
    "The control plane is lost and fallback is not ready: nothing that serves is touched.",
    "Restore the control plane, or what FALLBACK names. An override Fallback passes the age limit, never a missing proof.",
  ),
  PlanRefused: reason(
    "What Holdfast meant to do would have broken one of its own rules, which the message names: no traffic pod is touched and the mode stays. A defect of Holdfast.",
    "Report it with the message and Holdfast's log. Rehearsals and exports go on meanwhile.",
  ),
  SelfSuspicion: reason(
    "Many control planes look lost at once: Holdfast suspects itself.",
    "Look at Holdfast's own network.",
  ),
  OverrideInvalid: reason(
    "The override annotation cannot be read: the group is held, and only status and events are written.",
    "Write: Fallback until=2026-01-31T12:00:00Z (or Normal, Hold), or remove the annotation.",
  ),
  ApprovalInvalid: reason(
    "The value of approve-return, accept-snapshot, accept-without or accept-replicas has the wrong format. Holdfast ignores it.",
    "Copy the annotation from the message that asks for it, or remove it.",
  ),
  OverrideRefused: reason(
    "Fallback was ordered, and no snapshot is proven, or a day of it beside a living control plane has just ended.",
    "Make fallback ready, or take the order back.",
  ),
  // --- waiting changes
  ChangeWaits: reason(
    "A template change waits until the group is in normal mode.",
    "To do it now: holdfast.dev/restart-at=<RFC3339>.",
  ),
  RendersDifferently: reason(
    "This Holdfast version renders another template from the same spec; what runs is kept.",
    "holdfast.dev/restart-at=<RFC3339> applies it now.",
  ),
  OutageDuringRoll: reason(
    "In the middle of a roll the control plane was lost, or does not hold what is expected; the roll waits.",
  ),
  ScaleDownWaits: reason(
    "Fewer pods are wanted; the control plane does not answer and fallback is not ready, so no pod that serves is removed.",
    "Restore the control plane, or what FALLBACK names. Pods that are not ready are removed all the same.",
  ),
  // --- done to objects (events)
  PodReplaced: reason("A pod that could not start without the control plane was deleted, so that it starts anew."),
  HandEditReverted: reason("An object of the group was edited by hand; the edit was taken back."),
  TemplateRestored: reason("The template that serves was put back."),
  ObjectApplied: reason("An object of the group was created or changed."),
  Scaled: reason("The number of traffic pods was changed."),
} as const;
