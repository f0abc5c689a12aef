/** A variable of the gateway's environment that a podTemplate may not set; with `*` at its end: all that begin so. */
export interface RefusedVariable {
  name: string;
  why: string;
  instead: string;
}

const FOLLOWS = "it decides which control plane the gateway follows, and Holdfast would ask another one";
const CONTROL_PLANE = "Set spec.controlPlane instead.";

/** [S] Second names of what Holdfast renders or decides. docs/reference.md lists them from here. */
export const REFUSED_ENV: readonly RefusedVariable[] = [
  { name: "API7_DP_MANAGER_*", why: FOLLOWS, instead: CONTROL_PLANE },
  { name: "API7_CONTROL_PLANE_*", why: FOLLOWS, instead: CONTROL_PLANE },
  { name: "APISIX_DEPLOYMENT_*", why: FOLLOWS, instead: CONTROL_PLANE },
  {
    name: "APISIX_PROFILE",
    why: "the gateway would read another file than the config.yaml that Holdfast renders",
    instead: "Set spec.gateway.config instead.",
  },
  {
    name: "APISIX_STAND_ALONE",
    why: "the gateway would start without the control plane",
    instead: "Remove it.",
  },
  {
    name: "HOLDFAST_*",
    why: "these names are Holdfast's, and a route could read what a gateway's environment holds",
    instead: "Use a name of your own.",
  },
];
