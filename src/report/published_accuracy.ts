/**
 * Accuracies that others have published on data sets of this project, by group of questions. They
 * are of models trained from end to end, on pictures of their own drawn by the same recipe.
 */

/** What a publication gives. */
export interface PublishedAccuracy {
  /** What the publication calls the model. */
  model: string;
  /** Where it stands. */
  source: string;
  /** Percent right by group; `above` where the publication gives a lower bound alone. */
  groups: Readonly<Record<string, { percent: number; above?: true }>>;
}

const SANTORO = "Santoro and others 2017, arXiv 1706.01427, section 5.3";

/** By name of the data set. */
export const PUBLISHED_ACCURACY: Readonly<Record<string, readonly PublishedAccuracy[]>> = {
  "sort-of-clevr": [
    {
      model: "CNN+MLP",
      source: SANTORO,
      groups: { "non-relational": { percent: 94, above: true }, relational: { percent: 63 } },
    },
    {
      model: "Relation Network",
      source: SANTORO,
      groups: {
        "non-relational": { percent: 94, above: true },
        relational: { percent: 94, above: true },
      },
    },
  ],
};
