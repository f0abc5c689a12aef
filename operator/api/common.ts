import { z } from "zod";

/**
 * CEL rules and other Kubernetes schema extensions travel as zod metadata and come out in the CRD.
 * Each rule has an accepted and a refused case in test/cluster.
 */
export interface CelRule {
  rule: string;
  message: string;
  fieldPath?: string;
}
export const cel = (...rules: CelRule[]) => ({ "x-kubernetes-validations": rules });
export const immutable = (what: string): CelRule => ({
  rule: "self == oldSelf",
  message: `${what} cannot be changed: create a new object with another name instead`,
});

const BARE_URL = "^https?://[^@?#%;=&]*$";
const noCredentials = (endpoint: string): CelRule => ({
  rule: `self.matches('${BARE_URL}')`,
  message: `${endpoint} must have no user name, password, query or fragment: keys belong in the Secret of spec.credentials`,
});
/** The value goes to ConfigMaps, conditions and events. Refused by a rule: the API server repeats what breaks a pattern. */
export const storeEndpoint = (name: string, what: string) =>
  z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^/\s]+(\/.*)?$/)
    .refine((text) => new RegExp(BARE_URL).test(text), { message: noCredentials(name).message })
    .describe(what)
    .meta(cel(noCredentials(name)));

const HOST_URL = "^https://[A-Za-z0-9._:\\[\\]-]+$";
const HOST_ONLY: CelRule = {
  // A CEL string literal takes the backslashes of the expression away.
  rule: `self.matches('${HOST_URL.replaceAll("\\", "\\\\")}')`,
  message:
    "the endpoint must be https://HOST or https://HOST:PORT: no path, no query, and no credentials, which belong in the Secret",
};
export const hostEndpoint = (what: string) =>
  z
    .string()
    .max(2048)
    .regex(/^https:\/\/[^/\s]+(\/.*)?$/)
    .refine((text) => new RegExp(HOST_URL).test(text), { message: HOST_ONLY.message })
    .describe(what)
    .meta(cel(HOST_ONLY));

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const objectName = (what: string) => z.string().min(1).max(253).regex(DNS_SUBDOMAIN).describe(what);
export const label = (what: string) => z.string().min(1).max(63).regex(DNS_LABEL).describe(what);

/** References stay within the namespace: there is no namespace field on purpose. */
export const localRef = (what: string) =>
  z.strictObject({ name: objectName("Name of the object, in the namespace of this one.") }).describe(what);

/** Free-form JSON object whose unknown fields the API server keeps; what is refused in it becomes a condition. */
export const openObject = (what: string) =>
  z.record(z.string(), z.unknown()).describe(what).meta({ "x-kubernetes-preserve-unknown-fields": true });

export const seconds = (min: number, max: number, what: string) => z.int().min(min).max(max).describe(what);

/** A number of pods or a percentage of them, as in Kubernetes' own APIs. */
export const intOrPercent = (what: string) =>
  z
    .union([z.int().min(0).max(1000), z.string().regex(/^(100|[1-9]?[0-9])%$/)])
    .describe(what)
    .meta({ "x-kubernetes-int-or-string": true });

/** What the API server takes for an amount of CPU or memory: 2, 500m, 1.5Gi, 1e3. Source: apimachinery, resource.Quantity. */
const QUANTITY = /^(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

export const quantities = (what: string) =>
  z
    .record(
      z.string(),
      z.union([z.int().min(0), z.string().max(64).regex(QUANTITY)]).meta({ "x-kubernetes-int-or-string": true }),
    )
    .describe(what);

export const Condition = z.strictObject({
  type: z.string().max(316).describe("Name of the condition, CamelCase."),
  status: z.enum(["True", "False", "Unknown"]).describe("Does the condition hold?"),
  observedGeneration: z.int().min(0).optional().describe("The generation of the spec that this speaks of."),
  lastTransitionTime: z.string().describe("When status changed last.").meta({ format: "date-time" }),
  reason: z.string().max(1024).describe("Why, as one CamelCase word from the documented list."),
  message: z.string().max(32768).describe("Why, in a sentence."),
});
export type Condition = z.infer<typeof Condition>;

export const conditions = () =>
  z
    .array(Condition)
    .optional()
    .describe("What is true now, each with its reason.")
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });
