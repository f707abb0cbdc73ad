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
export { alignment, cosineLoss, meanCosine } from "./evaluation/alignment.ts";
export { averageCosine } from "./evaluation/average_cosine.ts";
export { meanNorm } from "./evaluation/mean_norm.ts";
export { collapseGauge } from "./evaluation/collapse_gauge.ts";
export type { EstimatorOption } from "./evaluation/collapse_gauge.ts";
export { effectiveRank, rankMe } from "./evaluation/effective_rank.ts";
export { embeddingGeometry } from "./evaluation/embedding_geometry.ts";
export type {
  Embeddings,
  Geometry,
  GeometryOptions,
  MeasuredMatrix,
} from "./evaluation/embedding_geometry.ts";
export type { CentringOption, EmbeddingMatrix } from "./evaluation/embedding_matrix.ts";
export { embeddingStatistics } from "./evaluation/embedding_statistics.ts";
export { linearCka } from "./evaluation/linear_cka.ts";
export { modalityGap, normRatio } from "./evaluation/modality_gap.ts";
export { neighbourOverlap } from "./evaluation/neighbour_overlap.ts";
export { pairStatistics, uniformity } from "./evaluation/pair_statistics.ts";
export type { PairOptions, PairStatistics } from "./evaluation/pair_statistics.ts";
export { isoScore, participationRatio } from "./evaluation/participation_ratio.ts";
export { ridgeRecovery } from "./evaluation/ridge_recovery.ts";
export type { RidgeOptions, RidgeRecovery } from "./evaluation/ridge_recovery.ts";
export { singularValues } from "./evaluation/singular_values.ts";
export { pairedDifference, summarise, verdict } from "./evaluation/intervals.ts";
export type { Interval, Summary, Verdict } from "./evaluation/intervals.ts";
export { pairedT } from "./evaluation/paired_t.ts";
export type { TTest } from "./evaluation/paired_t.ts";
export { holm } from "./evaluation/holm.ts";
export { claimVerdict, DIRECTIONS } from "./evaluation/claims.ts";
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
export { accuracyLatex } from "./report/accuracy_latex.ts";
export { resultsCsv } from "./report/results_csv.ts";
export { exampleAnswers } from "./report/example_answers.ts";
export type { ReportPart } from "./report/example_answers.ts";
export { renderReport } from "./report/report.ts";
export { compareStudies } from "./report/compare.ts";
export type { ComparedStudy } from "./report/compare.ts";
export { renderPage } from "./report/page.ts";
export type { ChartValue } from "./report/chart_frame.ts";
export type { Report } from "./report/report.ts";
export type { AdapterDescription, AdapterRecord } from "./gpu/adapter_info.ts";
export { RUN_ROLES } from "./records/record.ts";
export type {
  Accuracy,
  AnswerOverlap,
  CurvePoint,
  DiagnosticPoint,
  EmbeddingGeometry,
  EmbeddingStatistics,
  GivenAnswer,
  MatrixGeometry,
  PairGeometry,
  Results,
  RunFailure,
  RunKey,
  RunRecord,
  RunRole,
  StudyRecord,
  TypeAccuracy,
  ValidationPoint,
} from "./records/record.ts";
