// The API server of the reduced world: what was applied, as numbers of texts, and what pods are made from.
import { ANNOTATION } from "../../operator/api/names.ts";
import { parseStart } from "../../operator/domain/choice.ts";
import type { KubeObject, KubeTemplate } from "../../operator/domain/facts/cluster.ts";
import { keep, kept, type State } from "./state.ts";

type Entries = readonly (readonly [string, number])[];
const maps = new Map<number, ReadonlyMap<string, KubeObject>>();

export const NO_OBJECTS = keep([]);

/** Everything but the traffic Deployment, by `Kind/name`. */
export function objectsOf({ objects }: Pick<State, "objects">): ReadonlyMap<string, KubeObject> {
  const known = maps.get(objects);
  if (known) return known;
  const made = new Map(kept<Entries>(objects).map(([name, object]) => [name, kept<KubeObject>(object)]));
  maps.set(objects, made);
  return made;
}

export const numberOf = (objects: number, name: string): number | undefined =>
  kept<Entries>(objects).find(([other]) => other === name)?.[1];

export function put(objects: number, name: string, object: number | undefined): number {
  const others = kept<Entries>(objects).filter(([other]) => other !== name);
  const all = object === undefined ? others : [...others, [name, object] as const];
  return keep(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const START = "ConfigMap/edge-start";
const startText = (state: Pick<State, "objects">): string | undefined =>
  (objectsOf(state).get(START)?.["data"] as Record<string, string> | undefined)?.["start.json"];

/** What a pod of this template is told when it starts. */
export function told(state: Pick<State, "objects">, t: number): ReturnType<typeof parseStart> {
  const text = startText(state);
  return text === undefined ? { recorded: "absent", proof: "absent" } : parseStart(text, proofKeyOf(t));
}

/** Epochs are counted from the present one, so that a group that flipped often is like one that flipped once. */
export function withEpochsBack(objects: number): number {
  const text = startText({ objects });
  const object = objectsOf({ objects }).get(START);
  if (text === undefined || object === undefined) return objects;
  const older = text.replace(/"epoch":(\d+)/g, (_all, epoch: string) => `"epoch":${epochBack(Number(epoch))}`);
  if (older === text) return objects;
  return put(objects, START, keep({ ...object, data: { "start.json": older } }));
}
/** The present epoch, whatever its number; those before it are told apart as the last one and the older ones. */
export const EPOCH = 100;
export const epochBack = (epoch: number): number => Math.max(EPOCH - 2, epoch - 1);
/** An approval of a return begins with the epoch that it is for. */
export const approvalBack = (value: string): string =>
  value.replace(/^(\d+)(?=(\.\d+)?-group-ui$)/, (epoch) => String(epochBack(Number(epoch))));

interface Template {
  proofKey: string;
  /** Its image cannot be pulled. */
  broken: boolean;
}
const templates = new Map<number, Template>();
export function templateOf(t: number): Template {
  const known = templates.get(t);
  if (known) return known;
  const template = kept<KubeTemplate>(t);
  const annotations = (template["metadata"] as { annotations?: Record<string, string> } | undefined)?.annotations;
  const made = {
    proofKey: annotations?.[ANNOTATION.proofKey] ?? "",
    broken: JSON.stringify(template).includes("gateway:bad"),
  };
  templates.set(t, made);
  return made;
}
export const proofKeyOf = (t: number): string => templateOf(t).proofKey;
