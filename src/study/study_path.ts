/** Whether a study is named or is a file. Imports nothing: it is read before permissions are known. */

/** Whether a study on the command line is the path of its file, and not its name. */
export function isStudyPath(study: string): boolean {
  return study.endsWith(".json") || /[/\\]/.test(study);
}
