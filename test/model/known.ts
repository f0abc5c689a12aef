// Faults that the search finds and that are known: each with what it is and why it stands. Any other fails the run, and so
// does one that is found no more: then its line goes.

export interface Known {
  law: RegExp;
  why: string;
}

export const KNOWN: readonly Known[] = [
  {
    law: /^stuck: without the control plane .*\(mode Normal, FallbackReady Unproven, RestartPending ChangeWaits, Held NoProof, 2 of 3\)$/,
    why: "by design: storage that came in the outage is proven with a new template only where no pod of the old one serves",
  },
];

export const isKnown = (law: string): boolean => KNOWN.some((known) => known.law.test(law));
