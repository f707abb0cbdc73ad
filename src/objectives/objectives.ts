/** All objectives by name. A new one is a file beside this one and a line here. */
import { cosineConstraint } from "./cosine_constraint.ts";
import { cosineConstraintLifted } from "./cosine_constraint_lifted.ts";
import { none } from "./none.ts";
import type { Objective } from "./objective.ts";
import { selfDistillation } from "./self_distillation.ts";
import { selfDistillationStopgrad } from "./self_distillation_stopgrad.ts";
import { vicreg } from "./vicreg.ts";

/** Objectives by the name that studies use. */
export const OBJECTIVES: Record<string, Objective> = Object.fromEntries(
  [
    none,
    cosineConstraint,
    cosineConstraintLifted,
    selfDistillation,
    selfDistillationStopgrad,
    vicreg as Objective,
  ].map((objective) => [objective.name, objective]),
);
