import { childName } from "../../api/names.ts";
import type { Facts } from "../facts.ts";
import type { KubeObject } from "../facts-cluster.ts";
import { canonicalJson } from "../hash.ts";
import { about, childObject, EDIT_THE_GROUP, type Fate } from "./common.ts";
import { CONFIG_KEY } from "./containers.ts";
import type { Publication } from "./index.ts";
import { type ConfigNames, contentHash } from "./references.ts";

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
export function startConfig(facts: Facts, { mode, epoch, content, proofs }: Publication): KubeObject {
  return childObject(facts, {
    apiVersion: "v1",
    kind: "ConfigMap",
    name: childName.start(facts.group.name),
    role: "traffic",
    fate: "kept",
    about: about(facts, "What pods that start are told about mode and proofs", EDIT_THE_GROUP),
    body: {
      data: { [START_KEY]: canonicalJson({ mode, epoch, proofs, ...(content === undefined ? {} : { content }) }) },
    },
  });
}
