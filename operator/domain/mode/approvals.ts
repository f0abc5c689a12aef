import type { GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import { ANNOTATION } from "../../api/names.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { short } from "../values/digest.ts";

/**
 * What a person approves counts once, and for one group: each value names what it approves, a number that is not asked
 * for again once it was used, and the beginning of the group's uid. A forgotten annotation, and one that came along with
 * a copy from Git or from a backup, approves nothing. `status.approvals` records the values that were used.
 */
type Seen = { group: Pick<Facts["group"], "uid" | "status" | "annotations"> };
type Used = NonNullable<GatewayGroupStatus["approvals"]>;
type Approval = keyof Used;

const given = ({ group }: Seen, which: Approval): string => group.annotations[ANNOTATION[which]]?.trim() ?? "";
const ofGroup = (facts: Seen, what: string): string => `${what}-${facts.group.uid.slice(0, 8)}`;

/** "EPOCH-UID". The epoch grows with each move; what was used up within one is asked for again as "EPOCH.2-UID". */
function returnValue(facts: Seen, epoch: number): string {
  const used = /^(\d+)(?:\.(\d+))?-/.exec(facts.group.status.approvals?.approveReturn ?? "");
  return ofGroup(facts, used?.[1] === String(epoch) ? `${epoch}.${Number(used[2] ?? 1) + 1}` : `${epoch}`);
}

/** "WHAT-N-UID", the Nth of its kind: an export with the same content may come again, and so may the same slip. */
function numbered(facts: Seen, which: "acceptSnapshot" | "acceptReplicas" | "acceptWithout", what: string): string {
  const used = /^[^-]*-(\d+)-/.exec(facts.group.status.approvals?.[which] ?? "");
  return ofGroup(facts, `${what}-${Number(used?.[1] ?? 0) + 1}`);
}
const snapshotValue = (facts: Seen, digest: string): string => numbered(facts, "acceptSnapshot", short(digest));
const withoutValue = (facts: Seen, digest: string): string => numbered(facts, "acceptWithout", short(digest));
const replicasValue = (facts: Seen, to: number): string => numbered(facts, "acceptReplicas", String(to));

/** Is it given, and unused? What it answers is another question: see evidence/expectation.ts. */
export const returnApproved = (facts: Seen): boolean =>
  given(facts, "approveReturn") === returnValue(facts, facts.group.status.epoch ?? 0);

/** A return that is under way was approved in the step before it. */
const wasReturnApproved = (facts: Seen): boolean =>
  facts.group.status.mode === "ToNormal" &&
  given(facts, "approveReturn") === returnValue(facts, (facts.group.status.epoch ?? 0) - 1);

/** The restart-at annotation was not carried out yet. */
export function restartAskedNow({ group }: Pick<Facts, "group">): boolean {
  const asked = group.annotations[ANNOTATION.restartAt];
  return asked !== undefined && asked !== group.status.restartedAt;
}
export const snapshotAccepted = (facts: Seen, digest: string): boolean =>
  given(facts, "acceptSnapshot") === snapshotValue(facts, digest);
export const withoutAccepted = (facts: Seen, digest: string): boolean =>
  given(facts, "acceptWithout") === withoutValue(facts, digest);
export const replicasAccepted = (facts: Seen, to: number): boolean =>
  given(facts, "acceptReplicas") === replicasValue(facts, to);

/** The whole annotation, to be copied; and that the present one does not count, where there is one. */
function howTo(facts: Seen, which: Approval, value: string): string {
  const other = given(facts, which);
  const refused = other === "" || other === value ? "" : ` (its present value "${cut(other)}" approves nothing)`;
  return `annotate ${ANNOTATION[which]}=${value}${refused}`;
}
export const howToReturn = (facts: Seen): string =>
  howTo(facts, "approveReturn", returnValue(facts, facts.group.status.epoch ?? 0));
export const howToAccept = (facts: Seen, digest: string): string =>
  howTo(facts, "acceptSnapshot", snapshotValue(facts, digest));
export const howToAcceptWithout = (facts: Seen, digest: string): string =>
  howTo(facts, "acceptWithout", withoutValue(facts, digest));
export const howToDrop = (facts: Seen, to: number): string => howTo(facts, "acceptReplicas", replicasValue(facts, to));

const cut = (value: string): string => (value.length > 80 ? `${value.slice(0, 80)}...` : value);

const FORMAT: Record<Approval, RegExp> = {
  approveReturn: /^\d+(\.\d+)?-\S{1,8}$/,
  acceptSnapshot: /^[0-9a-z]{12}-\d+-\S{1,8}$/,
  acceptWithout: /^[0-9a-z]{12}-\d+-\S{1,8}$/,
  acceptReplicas: /^\d+-\d+-\S{1,8}$/,
};

/** A value of another format, that of earlier versions included: somebody believes that it counts. */
export function approvalProblems(facts: Seen): Problem[] {
  const { epoch = 0, mode, snapshot } = facts.group.status;
  const quarantined = snapshot?.quarantined;
  const lacking = snapshot?.lastRehearsal?.missing === undefined ? undefined : snapshot.lastRehearsal.digest;
  const now: Partial<Record<Approval, string>> = {
    ...(mode === undefined || mode === "Normal" ? {} : { approveReturn: returnValue(facts, epoch) }),
    ...(quarantined === undefined ? {} : { acceptSnapshot: snapshotValue(facts, quarantined) }),
    ...(lacking === undefined ? {} : { acceptWithout: withoutValue(facts, lacking) }),
  };
  return (Object.keys(FORMAT) as Approval[]).flatMap((which) => {
    const value = given(facts, which);
    if (value === "" || FORMAT[which].test(value)) return [];
    const write = now[which] === undefined ? "" : `write ${ANNOTATION[which]}=${now[which]}, or `;
    return {
      reason: "ApprovalInvalid",
      field: `metadata.annotations[${ANNOTATION[which]}]`,
      message: `"${cut(value)}" approves nothing: ${write}remove it, and copy the annotation from the message that asks for it`,
    };
  });
}

interface Did {
  verifies: string | undefined;
  without: string | undefined;
  reachesReplicas: number | undefined;
  returned: boolean;
  isAsExpected: boolean;
  /** Something is asked for the first time, or again: what was given before answers nothing. */
  asksAnew: boolean;
}

/** `status.approvals` after this loop: a value that did what it was for is used, and so is one that came before the question. */
export function usedApprovals(facts: Seen, did: Did): Used {
  const { approvals, snapshot, mode, conditions } = facts.group.status;
  const used: Used = { ...approvals };
  const { verifies, reachesReplicas } = did;
  if (verifies !== undefined && verifies !== snapshot?.digest && snapshotAccepted(facts, verifies))
    used.acceptSnapshot = given(facts, "acceptSnapshot");
  if (did.without !== undefined) used.acceptWithout = given(facts, "acceptWithout");
  if (reachesReplicas !== undefined && replicasAccepted(facts, reachesReplicas))
    used.acceptReplicas = given(facts, "acceptReplicas");
  // An approval ends with the return, and with what it was asked for: the next loss of content is another one.
  const ended =
    mode !== "ToNormal" && did.isAsExpected && conditions?.some(({ type }) => type === "ControlPlaneRegressed");
  const isOver = did.returned || ended || did.asksAnew;
  if ((returnApproved(facts) && isOver) || (wasReturnApproved(facts) && did.returned))
    used.approveReturn = given(facts, "approveReturn");
  return used;
}
