import { describe, expect, test } from "vitest";
import {
  compareVersions,
  type GatewayVersion,
  gatewayVersion,
  isVersionProblem,
  pathStyleProblem,
  versionProblem,
} from "../../../operator/gateway/api7/image.ts";

const DIGEST = `@sha256:${"a".repeat(64)}`;

const version = (tag: string): GatewayVersion => {
  const found = gatewayVersion(`gateway:${tag}`);
  if (isVersionProblem(found)) throw new Error(found.message);
  return found;
};

describe("the version that an image stands for", () => {
  test.for([
    ["a plain tag", "api7/api7-ee-3-gateway:3.9.3", undefined, "3.9.3"],
    ["a hotfix", "api7/api7-ee-3-gateway:3.9.3-hotfix.1", undefined, "3.9.3-hotfix.1"],
    ["a leading v", "gateway:v3.9.13", undefined, "3.9.13"],
    ["a registry with a port", "registry.internal:5000/api7/gateway:3.10.0", undefined, "3.10.0"],
    ["tag and digest", `api7/gateway:3.9.13${DIGEST}`, undefined, "3.9.13"],
    ["a digest with the version beside it", `api7/gateway${DIGEST}`, "3.9.13", "3.9.13"],
    ["a tag of their own with the version beside it", "mirror/gateway:prod", "3.9.13", "3.9.13"],
    ["tag and version that agree", "gateway:3.9.13", "3.9.13", "3.9.13"],
    ["no tag", "api7/api7-ee-3-gateway", undefined, "VersionUnknown"],
    ["no tag, with a registry's port", "registry.internal:5000/gateway", undefined, "VersionUnknown"],
    ["latest", "gateway:latest", undefined, "VersionUnknown"],
    ["two numbers", "gateway:3.9", undefined, "VersionUnknown"],
    ["a digest alone", `gateway${DIGEST}`, undefined, "VersionUnknown"],
    ["a version that is none", "gateway:3.9.3", "newest", "VersionUnknown"],
    ["tag and version that differ", "gateway:3.9.3", "3.9.13", "VersionContradicts"],
  ] as const)("%s", ([, image, explicit, expected]) => {
    const found = gatewayVersion(image, explicit);
    expect(isVersionProblem(found) ? found.reason : found.text).toBe(expected);
  });
  test("a problem names what was seen and the way out", () => {
    const found = gatewayVersion("gateway:latest");
    expect(isVersionProblem(found) && found.message).toBe(
      'image tag "latest" is no version: use a tag like 3.9.13, or set spec.gateway.version beside a digest or a tag of your own',
    );
  });
});

describe("supported versions", () => {
  test.for([
    ["3.8.20", false],
    ["3.8.21-rc.1", false],
    ["3.8.21", true],
    ["3.8.21-hotfix.2", true],
    ["3.9.0", true],
    ["3.10.0", true],
    ["4.0.0", true],
    ["2.99.99", false],
  ] as const)("%s: %s", ([tag, supported]) => {
    expect(versionProblem(version(tag))?.reason).toBe(supported ? undefined : "UnsupportedVersion");
  });
});

describe("path style", () => {
  const pathStyle = { type: "S3", forcePathStyle: true };
  test.for([
    ["3.9.12 cannot", "3.9.12", pathStyle, "PathStyleUnsupported"],
    ["3.9.3 cannot", "3.9.3", pathStyle, "PathStyleUnsupported"],
    ["3.9.13 can", "3.9.13", pathStyle, undefined],
    ["3.10.0 can", "3.10.0", pathStyle, undefined],
    ["virtual-host addresses need nothing", "3.8.21", { type: "S3", forcePathStyle: false }, undefined],
    ["Azure has no such thing", "3.8.21", { type: "AzureBlob" }, undefined],
  ] as const)("%s", ([, tag, store, reason]) => {
    expect(pathStyleProblem(version(tag), store)?.reason).toBe(reason);
  });
});

test("versions order by number, a pre-release before its release", () => {
  const inOrder = ["3.8.21", "3.9.0-rc.1", "3.9.0", "3.9.13", "3.10.0"].map(version);
  expect([...inOrder].reverse().sort(compareVersions)).toEqual(inOrder);
});
