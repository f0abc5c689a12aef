/** The cluster's DNS: CoreDNS as a process beside the control plane, for pods and for the test process alike. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlPlane } from "./control-plane.ts";
import { HOST } from "./network.ts";
import { program, type Server, startServer } from "./process.ts";

const corefile = (kubeconfig: string): string => `cluster.local:53 in-addr.arpa:53 {
  bind ${HOST}
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig} lab
    pods insecure
    ttl 2
  }
}
# Nothing outside of the cluster can be reached: say so at once instead of letting clients wait.
.:53 {
  bind ${HOST}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;

/** Starts CoreDNS and makes it the resolver of this mount namespace (/etc must be the lab's own copy). */
export async function startDns(folder: string, controlPlane: ControlPlane): Promise<Server> {
  const path = join(folder, "Corefile");
  writeFileSync(path, corefile(controlPlane.kubeconfigPath));
  rmSync("/etc/resolv.conf", { force: true }); // often a link into /run
  writeFileSync("/etc/resolv.conf", `nameserver ${HOST}\nsearch svc.cluster.local cluster.local\noptions ndots:5\n`);
  return startServer("coredns", [program("coredns"), "-conf", path], {
    folder,
    ready: async () => (await fetch("http://127.0.0.1:8181/ready")).ok,
    readyLimitMs: 30_000,
  });
}
