import { childName, LABEL } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { about, childObject, EDIT_THE_GROUP } from "./common.ts";

/**
 * Nobody has to reach a pod that serves nothing. Traffic pods are not selected: the first policy on a pod denies all
 * that it does not allow. Egress stays open: which way leads to control plane, store and DNS, only the user knows.
 */
export function networkPolicy(facts: Facts): KubeObject {
  const { name } = facts.group;
  return childObject(facts, {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    name: childName.networkPolicy(name),
    role: "backup",
    fate: "owned",
    about: about(facts, "Keeps connections away from the backup and rehearsal pods", EDIT_THE_GROUP),
    body: {
      spec: {
        podSelector: {
          matchLabels: { [LABEL.group]: name },
          matchExpressions: [{ key: LABEL.role, operator: "In", values: ["backup", "rehearsal", "canary"] }],
        },
        policyTypes: ["Ingress"],
        ingress: [],
      },
    },
  });
}
