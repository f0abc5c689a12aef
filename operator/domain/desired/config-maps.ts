import type { Mode } from "../../api/gateway-group-status.ts";
import { childName } from "../../api/names.ts";
import type { PublishedContent } from "../choice.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { canonicalJson } from "../values/hash.ts";
import { about, childObject, EDIT_THE_GROUP, type Fate } from "./common.ts";
import { CONFIG_KEY } from "./containers.ts";
import { type ConfigNames, contentHash } from "./references.ts";

/** What the group's pods are told, as decided: it is an argument, never read from the facts. */
export interface Publication {
  mode: Mode;
  epoch: number;
  /** What the control plane is recorded to lack, or what a person took for good. */
  content?: PublishedContent;
  /** By proof key: the digest that was shown to load. */
  proofs: Readonly<Record<string, { digest: string; verifiedAt: string }>>;
  /** Objects per kind in what was verified: for Holdfast itself, should the status be lost while the store does not answer. */
  expected?: Readonly<Record<string, number>>;
  /** Nothing that serves has a proven successor: no eviction is let through. */
  frozen: boolean;
}

/** Key of `<name>-start`; read by operator/choose.ts. */
export const START_KEY = "start.json";

/** The rendered configurations: immutable, named by their content, so that a pod always finds what it was made for. */
export function renderedConfigs(facts: Facts, names: ConfigNames): KubeObject[] {
  const { normal, reader, exporter } = facts.rendered;
  const make = (name: string | undefined, text: string | undefined, role: "traffic" | "backup", fate: Fate) =>
    // A name that stands for what runs is not the name of another text.
    name === undefined || text === undefined || !name.endsWith(`-${contentHash(text)}`)
      ? []
      : [
          childObject(facts, {
            apiVersion: "v1",
            kind: "ConfigMap",
            name,
            role,
            fate,
            about: about(facts, "Rendered gateway configuration", "It cannot be changed: change the GatewayGroup."),
            body: { data: { [CONFIG_KEY]: text }, immutable: true },
          }),
        ];
  return [
    ...make(names.normal, normal, "traffic", "kept"),
    ...make(names.reader, reader, "traffic", "kept"),
    ...make(names.exporter, exporter, "backup", "owned"),
  ];
}

/** What the start choice of a pod may do: the recorded mode, what the control plane lacks, and the proofs by template. */
export function startConfig(facts: Facts, { mode, epoch, content, proofs, expected }: Publication): KubeObject {
  const known = { ...(content === undefined ? {} : { content }), ...(expected === undefined ? {} : { expected }) };
  return childObject(facts, {
    apiVersion: "v1",
    kind: "ConfigMap",
    name: childName.start(facts.group.name),
    role: "traffic",
    fate: "kept",
    about: about(facts, "What pods that start are told about mode and proofs", EDIT_THE_GROUP),
    body: {
      data: { [START_KEY]: canonicalJson({ mode, epoch, proofs, ...known }) },
    },
  });
}
