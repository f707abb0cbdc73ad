/**
 * The engine's number: two runs with the same settings, data, models, kernel plan, adapter and driver
 * give the same weights if it is the same.
 *
 * It is raised when the committed trajectory of a small training changes (see the test), and not with
 * every commit, which would void runs that nothing has changed for.
 */
export const ENGINE = 1;
