import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../testing/golden.ts";
import { type ClusteredMean, clusteredMean } from "./clustered.ts";

const { json } = readGolden("statistics", "clustered");
const { baseline: base, scores, image_of_question: images, tolerance } = json;

const near = (got: number, want: number, { rtol, atol } = tolerance) =>
  assert.ok(Math.abs(got - want) <= atol + rtol * Math.abs(want), `${got} is not ${want}`);
const rough = tolerance["p and quantiles"];

const clustered = (values: number[], clusters: string[]) =>
  clusteredMean(values.map((value, i) => ({ value, cluster: clusters[i] })));

/** With images - 1 degrees of freedom. */
// deno-lint-ignore no-explicit-any -- the layout of the golden file
function agrees(got: ClusteredMean, centre: number, want: any): void {
  near(got.mean, centre);
  near(got.standardError, want.se_clustered);
  near(got.interval!.low, want.ci95.t_clusters_minus_1.low, rough);
  near(got.interval!.high, want.ci95.t_clusters_minus_1.high, rough);
}

Deno.test("clustered errors of accuracies and of differences agree with the golden ones", () => {
  for (const [arm, want] of Object.entries<Record<string, number>>(json.expected.arms)) {
    const got = clustered(scores[arm], images);
    assert.deepEqual([got.n, got.clusters], [json.questions, json.images]);
    agrees(got, want.accuracy, want);
  }
  for (
    const [arm, want] of Object.entries<Record<string, number>>(json.expected.against_baseline)
  ) {
    const differences = scores[arm].map((score: number, i: number) => score - scores[base][i]);
    const got = clustered(differences, images);
    agrees(got, want.difference, want);
    near(got.p!, want.p_t_clusters_minus_1, rough);
  }
});

for (const { note, scores, image_of_question, expected } of json.edge_cases) {
  Deno.test(`a clustered error where ${note}`, () => {
    const got = clustered(scores, image_of_question);
    near(got.mean, expected.accuracy);
    near(got.standardError, expected.se_clustered);
    assert.equal(got.p === null, got.clusters === 1);
  });
}

Deno.test("names and order of the groups change nothing", () => {
  const value = fc.record({ value: fc.integer({ min: -1, max: 1 }), group: fc.nat(4) });
  fc.assert(fc.property(fc.array(value, { minLength: 2, maxLength: 20 }), (list) => {
    const of = (name: (group: number) => string, given: typeof list) =>
      clusteredMean(given.map(({ value, group }) => ({ value, cluster: name(group) })));
    const a = of(String, list), b = of((group) => `picture ${9 - group}`, list.toReversed());
    assert.ok(Math.abs(a.standardError - b.standardError) < 1e-9);
    assert.equal(a.clusters, b.clusters);
  }));
});

Deno.test("one value has no standard error", () => {
  assert.throws(() => clustered([1], ["a"]), /there are 1 values/);
});
