import type { Reason } from "../../api/reasons.ts";
import type { ModeStep } from "../mode/input.ts";
import type { Situation } from "../situation.ts";
import type { Pipeline } from "../snapshot/pipeline-state.ts";
import type { TemplatePlan } from "../templates/input.ts";

export interface StatusInput {
  situation: Situation;
  step: ModeStep;
  pipeline: Pipeline;
  template: TemplatePlan;
  motionProblem?: { reason: Reason; message: string };
  /** The clocks of Holdfast's node and of the API server are apart. */
  clockSkew?: string;
  /** A move of pods that has come no further for long. */
  stalled?: { reason: Reason; message: string };
  motionWaits?: { reason: Reason; message: string };
  /** Is anything being done or waited for in this loop? */
  busy: boolean;
}
