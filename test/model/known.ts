// Faults that the search finds and that are known: each with what it is and why it stands. Any other fails the run, and so
// does one that is found no more: then its line goes.

export interface Known {
  law: RegExp;
  why: string;
}

export const KNOWN: readonly Known[] = [
  {
    law: /^beside a published proof no pod starts from a control plane that holds nothing/,
    why: "the start choice takes an emptied control plane for one that answers",
  },
  {
    law: /^no group returns to a control plane without the content expected of it/,
    why: "an export that is put aside as another group's is not asked about at the return",
  },
  {
    law: /^a pod that serves content is taken only .*the control plane holds: (empty|foreign|tenth|half)\)$/,
    why: "the content expected of the control plane is asked for at the return alone, not before a roll or a short return",
  },
  {
    law: /^a good pair is not replaced by what was not accepted \((full|more|less) -> foreign\)$/,
    why: "a group that is made anew has nothing to measure another group's export on",
  },
  {
    law: /^without a proof at hand nothing that serves is given up while the control plane is gone/,
    why: "a group that is made anew overwrites the proofs that are published",
  },
  {
    law: /^stuck: without the control plane and with a good pair in the store/,
    why: "pods that followed an emptied control plane count as serving; a change that waits is not rehearsed while frozen",
  },
  {
    law: /^no group that serves flips to a pair older than the spec allows/,
    why: "an export that can never be read ends the judgement of age",
  },
  {
    law: /^no group flips by itself while the control plane answers every gateway/,
    why: "a server error that the operator alone sees counts against gateways that say connected",
  },
  {
    law: /^stuck: with the world healthy from then on.*\(mode (Fallback|ToFallback|ToNormal),/,
    why: "one gateway that says 503 for reasons of its own keeps a small group from returning",
  },
];

export const isKnown = (law: string): boolean => KNOWN.some((known) => known.law.test(law));
