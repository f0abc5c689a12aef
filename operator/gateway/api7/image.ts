import { MINIMUM_VERSION, PATH_STYLE_MINIMUM_VERSION } from "./facts.ts";

export interface GatewayVersion {
  /** As written, without a leading v: `3.9.13`, `3.9.3-hotfix.1`. */
  text: string;
  major: number;
  minor: number;
  patch: number;
  /** What follows the patch number, without the dash; empty when nothing does. */
  suffix: string;
}

export type VersionReason = "VersionUnknown" | "VersionContradicts" | "UnsupportedVersion" | "PathStyleUnsupported";

/** What is wrong and the way out, in one sentence for people; `reason` is for machines. */
export interface VersionProblem {
  reason: VersionReason;
  message: string;
}

const VERSION = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+]([0-9A-Za-z.+-]+))?$/;
const BEFORE_RELEASE = /^(alpha|beta|rc|dev|pre|snapshot)/i;

/**
 * The version that an image reference stands for. A digest or a tag that is no version (`latest`, `prod`) needs the
 * explicit one, `spec.gateway.version`: what a gateway can do must be known before it is asked to.
 */
export function gatewayVersion(image: string, explicitVersion?: string): GatewayVersion | VersionProblem {
  const tag = imageTag(image);
  const ofTag = tag === undefined ? undefined : parseVersion(tag);
  if (explicitVersion !== undefined) {
    const explicit = parseVersion(explicitVersion);
    if (explicit === undefined) {
      return unknown(`spec.gateway.version "${explicitVersion}" is no version: write it like 3.9.13`);
    }
    if (ofTag !== undefined && compareVersions(ofTag, explicit) !== 0) {
      const message =
        `spec.gateway.image says ${ofTag.text}, spec.gateway.version says ${explicit.text}: ` +
        "remove spec.gateway.version, or make both the same";
      return { reason: "VersionContradicts", message };
    }
    return explicit;
  }
  if (ofTag !== undefined) return ofTag;
  const seen = tag === undefined ? `spec.gateway.image "${image}" has no tag` : `image tag "${tag}" is no version`;
  return unknown(`${seen}: use a tag like 3.9.13, or set spec.gateway.version beside a digest or a tag of your own`);
}

/** Refuses gateways that cannot read or write snapshots as Holdfast needs it. */
export function versionProblem(version: GatewayVersion): VersionProblem | undefined {
  if (atLeast(version, MINIMUM_VERSION)) return undefined;
  const message =
    `gateway ${version.text} is not supported: backup nodes and the JSON snapshot begin with ${MINIMUM_VERSION}; ` +
    `use an image of ${MINIMUM_VERSION} or later`;
  return { reason: "UnsupportedVersion", message };
}

/**
 * Refuses path-style addressing on a gateway that would ignore it: it would ask `https://<bucket>.<endpoint>`, a name
 * that a self-hosted S3 server seldom has, so neither export nor fallback would work.
 */
export function pathStyleProblem(
  version: GatewayVersion,
  store: { type: string; forcePathStyle?: boolean },
): VersionProblem | undefined {
  if (store.type !== "S3" || store.forcePathStyle !== true) return undefined;
  if (atLeast(version, PATH_STYLE_MINIMUM_VERSION)) return undefined;
  const message =
    `gateway ${version.text} speaks virtual-host addresses only, the storage asks for path style (forcePathStyle): ` +
    `use an image of ${PATH_STYLE_MINIMUM_VERSION} or later, or set forcePathStyle: false where the endpoint answers ` +
    "on <bucket>.<host>";
  return { reason: "PathStyleUnsupported", message };
}

export function isVersionProblem(v: GatewayVersion | VersionProblem): v is VersionProblem {
  return "reason" in v;
}

/** Orders by number; a pre-release (-rc.1) comes before its release, a hotfix (-hotfix.1) is not told from it. */
export function compareVersions(a: GatewayVersion, b: GatewayVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || released(a) - released(b);
}

export function atLeast(version: GatewayVersion, minimum: string): boolean {
  const wanted = parseVersion(minimum);
  return wanted !== undefined && compareVersions(version, wanted) >= 0;
}

function parseVersion(text: string): GatewayVersion | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, suffix = ""] = match;
  return { text: text.replace(/^v/, ""), major: Number(major), minor: Number(minor), patch: Number(patch), suffix };
}

/** The tag of `[host[:port]/]path[:tag][@digest]`; a colon before the last slash is a port. */
function imageTag(image: string): string | undefined {
  const withoutDigest = image.split("@", 1)[0] ?? "";
  const name = withoutDigest.slice(withoutDigest.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  return colon < 0 ? undefined : name.slice(colon + 1);
}

const released = (v: GatewayVersion): number => (BEFORE_RELEASE.test(v.suffix) ? 0 : 1);
const unknown = (message: string): VersionProblem => ({ reason: "VersionUnknown", message });
