import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** Labels of our own, and what others select. */
export const LABELS: readonly Mutant[] = [
  m(
    "backup.ts",
    "an upgrade restarts no exporter",
    "const waits = rendersDifferently(backup, live)",
    "const waits = false",
  ),
  m("backup.ts", "an exporter that does not run is not kept", "children.backup?.trouble === undefined && ", ""),
  m("desired/relabel.ts", "what a webhook relabels is not relabelled again", "return former && ", "return "),
];
