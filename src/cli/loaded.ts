/**
 * An action that is loaded when its command runs: help, and a command that was given wrongly, need nothing of the
 * application, which takes most of a second to load.
 */
export function loaded<Given extends unknown[]>(
  load: () => Promise<(...given: Given) => void | Promise<void>>,
): (...given: Given) => Promise<void> {
  return async (...given) => (await load())(...given);
}
