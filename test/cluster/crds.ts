/** Puts the committed CRDs onto the test cluster, as a user would, and waits until they are served. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { REPOSITORY, until } from "../lab/process.ts";
import { APPLY, type ApiServer } from "./api-server.ts";

const FOLDER = join(REPOSITORY, "crds");
const PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

interface Crd {
  metadata: { name: string };
  status: { conditions: { type: string; status: string; reason: string; message: string }[] };
}

/** Idempotent: other test files may have done it before. Resolves with the CRDs as the server holds them. */
export async function installCrds(api: ApiServer): Promise<Crd[]> {
  const wanted = readdirSync(FOLDER).map((file) => parse(readFileSync(join(FOLDER, file), "utf8")) as Crd);
  const live: Crd[] = [];
  for (const crd of wanted) {
    const path = `${PATH}/${crd.metadata.name}`;
    const { code, body } = await api.call("PATCH", `${path}?fieldManager=tests&force=true`, crd, APPLY);
    if (code >= 300) throw new Error(`Cannot apply ${crd.metadata.name}: HTTP ${code}: ${body.message}`);
    await until(`${crd.metadata.name} is served`, async () => isEstablished(await read(api, path)), 30_000);
    live.push(await read(api, path));
  }
  return live;
}

async function read(api: ApiServer, path: string): Promise<Crd> {
  return (await api.call("GET", path)).body as Crd;
}

function isEstablished(crd: Crd): boolean {
  return (crd.status.conditions ?? []).some(({ type, status }) => type === "Established" && status === "True");
}
