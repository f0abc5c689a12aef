// Faults that the search finds and that are known: each with what it is, how often it is found, and why it stands. Any other
// fails the run, so does one that is found more often, and one that is found no more: then its line goes.

export interface Known {
  law: RegExp;
  /** In the whole search on every commit. */
  atMost: number;
  why: string;
}

export const KNOWN: readonly Known[] = [
  {
    law: /^no group returns to a control plane without the content expected of it/,
    atMost: 6,
    why: "status lost, the verified key written by another exporter, and a control plane that is another group's: nothing on record tells",
  },
  {
    law: /^a pod that serves content is taken only while .* \(in a roll, /,
    atMost: 3,
    why: "the Deployment controller takes a pod between the content that is lost and the next look",
  },
  {
    law: /^no group that serves flips to a pair older than the spec allows/,
    atMost: 1,
    why: "a new place whose storage comes a day late takes the pair's age from its first look",
  },
  {
    law: /^stuck: .*\(mode Normal, FallbackReady (Unproven|Rehearsing), RestartPending OutageDuringRoll, Held NoProof, 2 of 3\)/,
    atMost: 2,
    why: "scaled up in a roll that an outage broke off before any proof: what serves stays, the pods that were added wait",
  },
  {
    law: /^stuck: .*\(mode Fallback, FallbackReady Proven, 0 of 1\)/,
    atMost: 1,
    why: "a template that cannot start was rolled out beside a control plane that was emptied",
  },
];

export const knownOf = (law: string): Known | undefined => KNOWN.find((known) => known.law.test(law));
export const isKnown = (law: string): boolean => knownOf(law) !== undefined;
