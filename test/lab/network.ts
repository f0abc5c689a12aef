/** The lab's own network, made inside its namespaces, so that it disappears with them. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

/** Address of node 1, of the API server and of the cluster's DNS. */
export const HOST = "10.99.0.1";
export const nodeAddress = (index: number): string => `10.99.0.${index}`;
export const podSubnet = (index: number): string => `10.244.${index}.0/24`;

const ip = (...args: string[]): void => {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });
};

function forward(): void {
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
}

/** eth0 is a bridge: the one kind of link that needs no partner, and further nodes plug into it. */
export function makeNetwork(): void {
  ip("link", "set", "lo", "up");
  ip("link", "add", "eth0", "type", "bridge");
  ip("address", "add", `${HOST}/24`, "dev", "eth0");
  ip("link", "set", "eth0", "up");
  // Leads nowhere. kubelet and CNI want a default route to find "the" address of the machine.
  ip("route", "add", "default", "via", "10.99.0.254");
  forward();
}

/**
 * Name of a network namespace for one more node, plugged into eth0; node 1 lives in the lab's own. Pods of each node
 * find those of the others by a route.
 */
export function addNodeNetwork(index: number): string {
  const name = `node-${index}`;
  const inside = (...args: string[]) => ip("-n", name, ...args);
  ip("netns", "add", name);
  ip("link", "add", `n${index}`, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("link", "set", `n${index}`, "master", "eth0", "up");
  inside("link", "set", "lo", "up");
  inside("address", "add", `${nodeAddress(index)}/24`, "dev", "eth0");
  inside("link", "set", "eth0", "up");
  inside("route", "add", "default", "via", HOST);
  inside("route", "add", podSubnet(1), "via", HOST);
  ip("route", "add", podSubnet(index), "via", nodeAddress(index));
  for (let other = 2; other < index; other += 1) {
    inside("route", "add", podSubnet(other), "via", nodeAddress(other));
    ip("-n", `node-${other}`, "route", "add", podSubnet(index), "via", nodeAddress(index));
  }
  execFileSync("ip", ["netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  return name;
}
