/**
 * What a data set is: pictures, each with its questions, in splits that share no picture.
 *
 * One file a data set stands beside this one; `datasets.ts` lists them by name.
 */

/** A decoded picture: 8-bit RGB, row-major, 3 bytes a pixel, no alpha. */
export interface Image {
  width: number;
  height: number;
  /** (height, width, 3) bytes. */
  data: Uint8Array;
}

/** One question about a picture and its true answer. */
export interface Question {
  /** Unique within its data set. */
  id: string;
  text: string;
  /** What is trained, and compared where `answers` is absent. */
  answer: string;
  /**
   * What each of several people answered, in data where they do not always agree (VQA v2.0): then
   * VQA accuracy is the score of an answer.
   */
  answers?: readonly string[];
  /** The question type under which accuracy is reported, for example `color`. */
  type: string;
}

/** A picture, decoded only when asked for, with its questions. */
export interface Example {
  /** Unique within its data set. */
  id: string;
  image(): Promise<Image>;
  questions: Question[];
}

/** A named data set. No picture is in two splits. */
export interface Dataset {
  name: string;
  /** One line for the report: the recipe or paper, and where it comes from. */
  source: string;
  train: Example[];
  /** Held out of the official training pictures; for choosing, never for the headline figure. */
  validation: Example[];
  test: Example[];
  /** SHA-256 (hex) over everything that determines the examples. */
  contentHash: string;
}

/** A question, answered yes or no, whether something is in the picture. */
export interface PresenceQuestion {
  /** The kind of thing, such as `color`. */
  about: string;
  /** Whether it asks if the thing is not there, so that `no` says that it is. */
  negated: boolean;
}

/** What a study or the command line may ask of a data set. */
export interface DatasetOptions {
  /** Folder in the data set's official layout; needed by data sets that are read from disk. */
  dir?: string;
  /** Seed of procedural data. The same seed gives the same pictures. */
  seed: number;
  /** Number of pictures a split; a data set from disk takes this many of the first, all when absent. */
  trainImages?: number;
  validationImages?: number;
  testImages?: number;
  /** Language of the questions where a data set has several (SLAKE). */
  language?: string;
  /**
   * An imaging modality where a data set has several (SLAKE): all its pictures are tested, whatever
   * their split, and none is seen in training or validation.
   */
  heldOutModality?: string;
}
