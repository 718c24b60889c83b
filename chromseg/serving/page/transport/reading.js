/** Reading a given file, whole and once: what is saved or exported later is what was cut, whatever became of the file. */

import { ServerProblem } from "./calling.js";

/**
 * The file, held in memory.
 *
 * @param {File} file
 * @param {number} most bytes that the server takes.
 * @throws {ServerProblem} there is nothing to send, or too much.
 */
export async function read(file, most) {
  if (file.size > most) {
    const [got, expected] = [`the file has ${inMegabytes(file.size)}`, `at most ${inMegabytes(most)}`];
    throw new ServerProblem({ kind: "too-large", got, expected, remedy: "cut it to one metaphase or scale it down" });
  }
  const bytes = await file.arrayBuffer().catch(() => null);
  if (bytes === null) {
    const remedy = "choose a file, no folder, that is still where it was";
    throw new ServerProblem({ kind: "unsupported", got: "the browser cannot read it", remedy });
  }
  if (bytes.byteLength === 0) {
    throw new ServerProblem({ kind: "unsupported", got: "the file is empty", remedy: "take or export the picture again" });
  }
  return new File([bytes], file.name);
}

/**
 * Bytes as "64 MB".
 *
 * @type {(bytes: number) => string}
 */
export function inMegabytes(bytes) {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
