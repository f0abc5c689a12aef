import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** Labels of our own, and what others select. */
export const LABELS: readonly Mutant[] = [
  m(
    "snapshot/backup.ts",
    "an upgrade restarts no exporter",
    "undefined && rendersDifferently(backup, live)",
    "undefined && false",
  ),
  m(
    "snapshot/backup.ts",
    "an exporter that does not run is not kept",
    "children.backup?.trouble === undefined && ",
    "",
  ),
  m("desired/relabel.ts", "what a webhook relabels is not relabelled again", "return former && ", "return "),
  m("desired/backup.ts", "a Service that selects the exporter gets no pod", "isGated(facts, live) ?", "false ?"),
  m("desired/backup.ts", "unknown Services change no exporter", 'selected === "unknown" ?', "false ?"),
  m(
    "snapshot/backup.ts",
    "no exporter into a Service that takes what is not ready",
    "live === undefined && stopped",
    "false",
  ),
  m("motion/motion.ts", "no move beside another one who scales", 'stops === "moves"', 'stops === "exporter"'),
  m("objects/neighbours.ts", "another budget is told", "if (second === undefined) return [];", "return [];"),
];
