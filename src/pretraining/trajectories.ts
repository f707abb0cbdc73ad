/**
 * The first steps of both pre-trainings, loss by loss.
 *
 * A whole pre-training takes hours. Its first steps take seconds and go through the same data, the same
 * first weights and the same programs, so that who changes one of these sees it at once.
 */
import type { Engine } from "../gpu/engine.ts";
import { CLIP_PAIR, DECODER } from "./models.ts";
import { LANGUAGE_SETTINGS, type LanguagePoint, pretrainLanguage } from "./pretrain_language.ts";
import { pretrainVision, VISION_SETTINGS, type VisionPoint } from "./pretrain_vision.ts";
import { pretrainingTokenizer } from "./tokenizer.ts";

/** `trajectories.json`. */
export interface Trajectories {
  language: LanguagePoint[];
  vision: VisionPoint[];
}

/** Steps of each. */
const STEPS = 6;

const START = { steps: STEPS, decay: 0 };

/** The embedded decoder's first steps. */
export async function languageTrajectory(engine: Engine): Promise<LanguagePoint[]> {
  const settings = { ...LANGUAGE_SETTINGS, ...START };
  const { curve } = await pretrainLanguage(engine, DECODER, pretrainingTokenizer(), settings, {
    pointEvery: 1,
    testQuestions: 0,
  });
  return curve;
}

/** The embedded towers' first steps. */
export async function visionTrajectory(engine: Engine): Promise<VisionPoint[]> {
  const settings = { ...VISION_SETTINGS, ...START };
  const { curve } = await pretrainVision(engine, CLIP_PAIR, pretrainingTokenizer(), settings, {
    pointEvery: 1,
    tests: { retrieval: 8, siblingGroups: 1, zeroShot: 1, probe: 8 },
  });
  return curve;
}
