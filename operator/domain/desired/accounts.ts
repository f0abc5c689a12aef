import { childName } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { about, childObject, EDIT_THE_GROUP, type Fate } from "./common.ts";

/** One identity per role, without any right and without a token: workload identities can be tied to it. */
export function accounts(facts: Facts): KubeObject[] {
  const { name } = facts.group;
  const account = (role: "traffic" | "backup", accountName: string, fate: Fate): KubeObject =>
    childObject(facts, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      name: accountName,
      role,
      fate,
      about: about(facts, `Identity of the ${role} pods`, EDIT_THE_GROUP),
      body: { automountServiceAccountToken: false },
    });
  return [
    account("traffic", childName.trafficAccount(name), "kept"),
    account("backup", childName.backupAccount(name), "owned"),
  ];
}
