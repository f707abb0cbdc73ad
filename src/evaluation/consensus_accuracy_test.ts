import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { type HumanAnswer, vqaAccuracy } from "./consensus_accuracy.ts";
import { evaluateVqa } from "./vqa_evaluation.ts";

interface Annotation {
  question_id: number;
  question_type: string;
  answer_type: string;
  answers: HumanAnswer[];
}

const golden = (file: string) => readGolden("vqa_metric", file).json;
const annotations: Annotation[] = golden("annotations").annotations;
const said = new Map<number, string>(
  golden("results").map((
    { question_id, answer }: { question_id: number; answer: string },
  ) => [question_id, answer]),
);
const expected = golden("expected");
const { accuracy, evalQA } = evaluateVqa(
  annotations.map(({ question_id, question_type, answer_type, answers }) => ({
    id: question_id,
    questionType: question_type,
    answerType: answer_type,
    score: vqaAccuracy(said.get(question_id)!, answers),
  })),
);

const categories: Record<string, string> = golden("categories");
for (const [category, group] of Map.groupBy(annotations, (a) => categories[a.question_id])) {
  Deno.test(`each answer scores as in the official script: ${category.replaceAll("_", " ")}`, () => {
    for (const { question_id, answers } of group) {
      assert.equal(
        evalQA[question_id],
        expected.evalQA[question_id],
        JSON.stringify([question_id, said.get(question_id), answers.map(({ answer }) => answer)]),
      );
    }
  });
}

Deno.test("the means over types are those of the official script", () => {
  assert.deepEqual(accuracy, expected.accuracy);
});

const tenTimes = (answer: string) => Array.from({ length: 10 }, (_, i) => ({ answer, id: i }));

Deno.test("where all people agree nothing is normalised, unless it is asked for", () => {
  assert.equal(vqaAccuracy("Yes", tenTimes("yes")), 0);
  assert.equal(vqaAccuracy(" yes\n", tenTimes("yes\t")), 1);
  assert.equal(vqaAccuracy("Yes", tenTimes("yes"), "always"), 1);
});

Deno.test("people with equal records are left out together, in whatever order the fields stand", () => {
  assert.equal(vqaAccuracy("yes", Array(10).fill({ answer: "yes" })), 0);
  const twins = [{ answer: "yes", id: 1 }, { id: 1, answer: "yes" }];
  assert.equal(vqaAccuracy("yes", twins), 0);
  assert.ok(vqaAccuracy("yes", [{ answer: "yes", id: 1 }, { answer: "yes", id: 2 }]) > 0);
});

Deno.test("the score counts how many people gave the answer: 0, 0.3, 0.6, 0.9, then 1", () => {
  for (let given = 0; given <= 10; given++) {
    const people = Array.from({ length: 10 }, (_, id) => ({
      answer: id < given ? "red" : `other ${id}`,
      id,
    }));
    const score = Math.min(10, 3 * given) / 10;
    assert.ok(Math.abs(vqaAccuracy("red", people) - score) < 1e-12, `${given} people`);
  }
});

Deno.test("scores lie between 0 and 1 and do not depend on the order of the people", () => {
  const word = fc.constantFrom("a", "red", "Red.", "two", "2", "", "dont", "don't");
  const answers = fc.array(word, { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(word, answers, (said, list) => {
    const people = list.map((answer, id) => ({ answer, id }));
    const score = vqaAccuracy(said, people);
    assert.ok(score >= 0 && score <= 1);
    assert.ok(Math.abs(vqaAccuracy(said, people.toReversed()) - score) < 1e-12);
  }));
});

Deno.test("a question that no one has answered is refused", () => {
  assert.throws(() => vqaAccuracy("red", []), {
    name: "RangeError",
    message: 'Cannot score answer "red": no person has answered the question',
  });
});
