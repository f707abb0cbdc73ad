/**
 * `power`: how many seeds, and how many questions, a study needs to find an effect.
 */
import { Command } from "@commander-js/extra-typings";
import {
  pairedTPower,
  questionNoise,
  questionsNeeded,
  seedsNeeded,
  smallestDetectableEffect,
} from "../evaluation/power.ts";
import { count } from "../report/number_format.ts";
import { numberThat, positiveInteger } from "./numbers.ts";
import { orInvalid } from "./or_invalid.ts";

/** What is asked; effects and deviations in points, accuracy in percent. */
export interface PowerQuestion {
  effect: number;
  sd: number;
  power: number;
  alpha: number;
  comparisons: number;
  seeds?: number;
  questions?: number;
  accuracy?: number;
  correlation: number;
}

/** What it takes; null where no number is enough, or the options do not ask for it. */
export interface PowerAnswer {
  /** Level of Holm's first step: alpha over the number of comparisons. */
  level: number;
  /** Standard deviation of the per-seed differences, points, with the questions' noise where it is asked for. */
  sd: number;
  /** Seeds that find the effect. */
  seedsNeeded: number | null;
  /** The number of seeds that the fields below are about: that of the options, or the one needed. */
  seeds: number | null;
  /** Chance that they find the effect. */
  power: number | null;
  /** The smallest effect, points, that they find with the power asked for. */
  detectable: number | null;
  /** Test questions with which they find the effect; null without an accuracy too. */
  questionsNeeded: number | null;
}

/**
 * Answers what the command line asks.
 *
 * @throws {RangeError} when a number is out of range, or questions come without an accuracy
 */
export function planStudy(asked: PowerQuestion): PowerAnswer {
  const { effect, power, comparisons, questions, correlation } = asked;
  if (questions !== undefined && asked.accuracy === undefined) {
    throw new RangeError("Cannot weigh the noise of --questions: give their --accuracy too");
  }
  if (correlation !== 0 && asked.accuracy === undefined) {
    throw new RangeError("Cannot weigh a --correlation over questions: give their --accuracy too");
  }
  const model = asked.accuracy === undefined
    ? null
    : { accuracy: asked.accuracy / 100, correlation };
  const noise = model ? questionNoise(model) / (questions ?? Infinity) : 0;
  const sd = Math.sqrt(asked.sd ** 2 + noise);
  const alpha = asked.alpha / comparisons;
  const needed = seedsNeeded({ effect, sd, alpha, power });
  const seeds = asked.seeds ?? needed;
  const known = Number.isFinite(seeds);
  return {
    level: alpha,
    sd,
    seedsNeeded: finite(needed),
    seeds: finite(seeds),
    power: known ? pairedTPower({ effect, sd, seeds, alpha }) : null,
    detectable: known ? smallestDetectableEffect({ sd, seeds, alpha, power }) : null,
    questionsNeeded: known && model
      ? finite(questionsNeeded({ effect, sd: asked.sd, seeds, alpha, power }, model))
      : null,
  };
}

/** The command. */
export function powerCommand() {
  return new Command("power")
    .description("Say how many seeds and test questions a study needs to find an effect")
    .requiredOption("--effect <points>", "true difference of VQA accuracy", positive("effect"))
    .requiredOption(
      "--sd <points>",
      "standard deviation of the per-seed differences; beside --accuracy without the questions' noise",
      positive("deviation"),
    )
    .option("--power <share>", "chance that the effect is found", probability("power"), 0.9)
    .option("--alpha <share>", "two-sided level of the family", probability("level"), 0.05)
    .option("--comparisons <n>", "comparisons corrected together", wholeNumber("comparisons"), 1)
    .option("--seeds <n>", "what so many seeds find", wholeNumber("seeds"))
    .option("--questions <n>", "test questions, whose noise is added", wholeNumber("questions"))
    .option("--accuracy <percent>", "accuracy of the arms on them", within("accuracy", 100))
    .option(
      "--correlation <r>",
      "correlation of two arms' right answers over questions",
      within("correlation", 1),
      0,
    )
    .option("--json", "print the numbers as JSON")
    .action(({ json, ...asked }) => {
      const answer = planStudy(asked);
      console.log(json ? JSON.stringify(answer) : describe(asked, answer));
    });
}

/** In words. */
function describe(asked: PowerQuestion, answer: PowerAnswer): string {
  const { effect, alpha, comparisons, power, accuracy } = asked;
  const level = comparisons === 1
    ? `${alpha}`
    : `${rounded(answer.level)} (${alpha} over ${comparisons} comparisons, Holm's first step)`;
  const seeds = answer.seedsNeeded === null
    ? "no number of seeds up to 100,000 is enough"
    : `${count(answer.seedsNeeded)} seeds`;
  const lines = [
    `Paired t test over seeds, two-sided, level ${level}; per-seed differences vary by ${
      rounded(answer.sd)
    } points`,
    `To find ${effect} points with power ${power}: ${seeds}`,
  ];
  if (answer.seeds !== null) {
    lines.push(
      `With ${count(answer.seeds)} seeds: power ${
        answer.power!.toFixed(3)
      } for ${effect} points, ` +
        `${rounded(answer.detectable!)} points detectable with power ${power}`,
    );
    if (accuracy !== undefined) {
      const questions = answer.questionsNeeded;
      lines.push(
        `Test questions for ${count(answer.seeds)} seeds to find ${effect} points: ${
          questions === null
            ? "no number is enough, the seeds alone vary too much"
            : count(questions)
        }`,
      );
    }
  }
  return lines.join("\n");
}

const finite = (value: number) => Number.isFinite(value) ? value : null;
const rounded = (value: number) => `${Number(value.toPrecision(3))}`;

const wholeNumber = (what: string) => orInvalid(positiveInteger(what));

function number(what: string, holds: (value: number) => boolean, range: string) {
  return orInvalid(numberThat(`The ${what}`, holds, range));
}

function positive(what: string) {
  return number(what, (value) => value > 0, "a number above 0");
}

function within(what: string, most: number) {
  return number(what, (value) => value >= 0 && value <= most, `from 0 to ${most}`);
}

function probability(what: string) {
  return number(what, (value) => value > 0 && value < 1, "between 0 and 1");
}
