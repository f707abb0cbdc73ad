/**
 * Plumbline as a library: losses are data for the engine, evaluation and report are pure functions.
 *
 * @module
 */
export { majorityBaseline } from "./evaluation/majority.ts";
export type { AnsweredQuestion } from "./evaluation/majority.ts";
export {
  isCorrect,
  normaliseAnswer,
  scoreAnswer,
  scoreAnswers,
} from "./evaluation/vqa_accuracy.ts";
export type { ScoredQuestion } from "./evaluation/vqa_accuracy.ts";
export { vqaAccuracy } from "./evaluation/consensus_accuracy.ts";
export type { HumanAnswer, VqaNormalisation } from "./evaluation/consensus_accuracy.ts";
export { normaliseVqaAnswer } from "./evaluation/vqa_normalisation.ts";
export { evaluateVqa } from "./evaluation/vqa_evaluation.ts";
export type { VqaEvaluation, VqaScore } from "./evaluation/vqa_evaluation.ts";
export { bleu1, meanOverlap, tokenF1 } from "./evaluation/answer_overlap.ts";
export {
  averageCosine,
  cosineLoss,
  effectiveRank,
  embeddingStatistics,
  meanNorm,
  participationRatio,
  singularValues,
} from "./evaluation/embedding_statistics.ts";
export type { CentringOption, EmbeddingMatrix } from "./evaluation/embedding_statistics.ts";
export { pairedDifference, summarise, verdict } from "./evaluation/intervals.ts";
export type { Interval, Summary, Verdict } from "./evaluation/intervals.ts";
export { pairedT } from "./evaluation/paired_t.ts";
export type { TTest } from "./evaluation/paired_t.ts";
export { holm } from "./evaluation/holm.ts";
export { claimVerdict } from "./evaluation/claims.ts";
export type { ClaimVerdict, Direction } from "./evaluation/claims.ts";
export {
  pairedTPower,
  questionNoise,
  questionsNeeded,
  seedsNeeded,
  smallestDetectableEffect,
} from "./evaluation/power.ts";
export type { QuestionModel, TestPlan } from "./evaluation/power.ts";
export { noncentralTCdf } from "./evaluation/noncentral_t.ts";
export { lambdaSlope } from "./evaluation/lambda_slope.ts";
export type { LambdaSlope, SweepPoint } from "./evaluation/lambda_slope.ts";
export { leastSquares } from "./evaluation/least_squares.ts";
export type { FittedLine } from "./evaluation/least_squares.ts";
export { interquartileMean } from "./evaluation/interquartile_mean.ts";
export { bootstrapInterval } from "./evaluation/bootstrap.ts";
export { probabilityOfImprovement } from "./evaluation/probability_of_improvement.ts";
export { clusteredMean } from "./evaluation/clustered.ts";
export type { ClusteredMean, ClusteredValue } from "./evaluation/clustered.ts";
export { mcNemar } from "./evaluation/mcnemar.ts";
export { renderReport } from "./report/report.ts";
export type { Report } from "./report/report.ts";
export type {
  Accuracy,
  AdapterRecord,
  AnswerOverlap,
  CurvePoint,
  DiagnosticPoint,
  EmbeddingStatistics,
  GivenAnswer,
  Results,
  RunKey,
  RunRecord,
  RunRole,
  StudyRecord,
  TypeAccuracy,
  ValidationPoint,
} from "./study/record.ts";
