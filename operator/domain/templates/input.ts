import type { Mode } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Desired } from "../desired/index.ts";
import type { Expectation } from "../evidence/expectation.ts";
import type { Facts } from "../facts/facts.ts";
import type { VerdictWord } from "../facts/outside.ts";
import type { Step } from "../plan.ts";

/** What becomes of the traffic Deployment's template: made, kept, changed, put back or waiting. Never its replicas. */
export interface TemplatePlan {
  steps: Step[];
  pending?: { reason: Extract<Reason, "ChangeWaits" | "RendersDifferently" | "OutageDuringRoll">; message: string };
  /** The restart-at annotation that this carries out. */
  restartedAt?: string;
}

export interface TemplateInput {
  facts: Facts;
  desired: Desired;
  mode: Mode;
  verdict: VerdictWord;
  wanted: number;
  publishedKeys: ReadonlySet<string>;
  wishReady: boolean;
  /** What pods are made from now. */
  running: { key: string };
  expectation: Expectation;
  /** modePolicy Observe: nothing that exists is changed. */
  observing: boolean;
}
