/** The test cluster's API server, spoken to without the operator's own client, so that one can test the other. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { Agent, request } from "undici";
import { parse } from "yaml";
import { program } from "../lab/process.ts";

export interface Answer {
  code: number;
  // biome-ignore lint/suspicious/noExplicitAny: the API server's JSON, looked at field by field in tests
  body: any;
}
export interface ApiServer {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** stdout; rejects with what kubectl wrote to stderr. `input` goes to stdin. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  close(): Promise<void>;
}

const run = promisify(execFile);

export function apiServer(kubeconfigPath: string): ApiServer {
  const config = parse(readFileSync(kubeconfigPath, "utf8"));
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const pem = (data: string | undefined, file: string | undefined) =>
    data ? Buffer.from(data, "base64") : file ? readFileSync(file) : undefined;
  const agent = new Agent({
    connect: {
      ca: pem(cluster["certificate-authority-data"], cluster["certificate-authority"]),
      cert: pem(user["client-certificate-data"], user["client-certificate"]),
      key: pem(user["client-key-data"], user["client-key"]),
    },
  });
  return {
    call: async (method, path, body, headers = {}) => {
      const answer = await request(`${cluster.server}${path}`, {
        method: method as "GET",
        dispatcher: agent,
        headers: {
          "content-type": "application/json",
          ...(user.token && { authorization: `Bearer ${user.token}` }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      return { code: answer.statusCode, body: text.startsWith("{") ? JSON.parse(text) : text };
    },
    kubectl: async (args, input) => {
      const child = run(program("kube", "kubectl"), ["--kubeconfig", kubeconfigPath, ...args]);
      child.child.stdin?.end(input ?? "");
      return (await child).stdout.trim();
    },
    close: () => agent.close(),
  };
}

export const APPLY = { "content-type": "application/apply-patch+yaml" };
