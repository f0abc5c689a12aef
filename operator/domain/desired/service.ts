import { childName } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { given } from "../values/json.ts";
import { about, childObject, EDIT_THE_GROUP, selectorOf } from "./common.ts";

/** Selects traffic pods of either mode, and nothing else of the group. */
export function service(facts: Facts): KubeObject | undefined {
  const { enabled, type, ports, annotations, loadBalancerClass, externalTrafficPolicy } =
    facts.group.spec.traffic.service;
  if (!enabled) return undefined;
  return childObject(facts, {
    apiVersion: "v1",
    kind: "Service",
    name: childName.service(facts.group.name),
    role: "traffic",
    fate: "kept",
    about: about(facts, "Address of the traffic pods", EDIT_THE_GROUP),
    ...given("annotations", annotations),
    body: {
      spec: {
        type,
        selector: selectorOf(facts, "traffic"),
        ports: ports.map((port) => ({
          name: port.name,
          port: port.port,
          targetPort: port.targetPort,
          protocol: port.protocol,
          ...given("nodePort", port.nodePort),
        })),
        ...given("loadBalancerClass", loadBalancerClass),
        ...given("externalTrafficPolicy", externalTrafficPolicy),
      },
    },
  });
}
