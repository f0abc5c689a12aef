import { join } from "node:path";
import type { Log } from "../log.ts";
import { Data, type ObjectLists, SeedOrder, seedObjects } from "./data.ts";
import { EtcdChild } from "./etcd.ts";
import { Fault, type FaultOrder, type LastingFault } from "./faults.ts";
import { Front } from "./front.ts";
import { type Instance, License, type LicenseView } from "./license.ts";

export interface ControlPlaneOptions {
  /** Where the mTLS door listens; port 0 takes a free one. */
  readonly ip: string;
  readonly port: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Either an etcd that runs elsewhere, or a binary to run as a child (then it can be wiped). */
  readonly etcd: { readonly url: string } | { readonly binary: string; readonly dataDir: string };
  readonly version?: string;
  readonly log: Log;
}

/** The simulated dp-manager with its database. Tests hold it in-process, or talk to its admin port. */
export class ControlPlane {
  readonly data: Data;
  private readonly etcd: EtcdChild | undefined;
  private readonly front: Front;
  private readonly license: License;
  private configVersion = 1;

  private constructor(options: ControlPlaneOptions, etcd: EtcdChild | undefined, etcdUrl: string) {
    this.etcd = etcd;
    this.data = new Data(etcdUrl);
    this.license = new License();
    this.front = new Front({
      ...options,
      etcdUrl,
      license: this.license,
      version: options.version ?? "3.10.0",
      config: () => ({ config_version: this.configVersion, config_payload: CONFIG_PAYLOAD }),
    });
  }

  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const child =
      "binary" in options.etcd
        ? await EtcdChild.start({ ...options.etcd, dataDir: join(options.etcd.dataDir, "etcd"), log: options.log })
        : undefined;
    const url = child?.url ?? ("url" in options.etcd ? options.etcd.url : "");
    const controlPlane = new ControlPlane(options, child, url);
    await controlPlane.front.open();
    return controlPlane;
  }

  get port(): number {
    return this.front.port;
  }

  get fault(): LastingFault {
    return this.front.currentFault;
  }

  async setFault(order: FaultOrder): Promise<void> {
    const fault = Fault.parse(order);
    if (fault.mode === "empty") return this.data.removeAll();
    if (fault.mode === "wipe") {
      if (this.etcd === undefined)
        throw new Error("this control plane did not start its etcd: delete the etcd pod instead");
      return this.etcd.wipe();
    }
    await this.front.setFault(fault);
  }

  /** Writes routes, services and upstreams as SeedOrder says. Returns how many objects. */
  async seed(order: SeedOrder): Promise<number> {
    const parsed = SeedOrder.parse(order);
    if (parsed.replace) await this.data.removeAll();
    return this.data.put(seedObjects(parsed));
  }

  put(lists: ObjectLists): Promise<number> {
    return this.data.put(lists);
  }

  /** The next heartbeat answers carry another config_version. */
  bumpConfig(): number {
    this.configVersion += 1;
    return this.configVersion;
  }

  licenseView(): LicenseView {
    return this.license.view(Date.now());
  }

  heartbeats(): Instance[] {
    return this.license.instances();
  }

  async stop(): Promise<void> {
    await this.front.close();
    await this.etcd?.stop();
  }
}

/** The shape of the real one: the data-encryption keyring in clear. These keys are the simulator's own and protect nothing. */
const CONFIG_PAYLOAD = {
  apisix: { data_encryption: { enable_encrypt_fields: true, keyring: ["simulator-key-1!", "simulator-key-2!"] } },
};
