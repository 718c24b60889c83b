/** Showing what went wrong, and what to do about it. */

import { byId, copyOf, one } from "../base/elements.js";
import { inWords } from "../base/words.js";
import { ServerProblem } from "./calling.js";

/** @import { Failure } from "./calling.js" */

const dialog = byId("problem-dialog", HTMLDialogElement);
const template = byId("failure", HTMLTemplateElement);

/** @type {Record<string, string | undefined>} */
const TITLES = {
  refused: "This picture cannot be used",
  unsupported: "This file cannot be read",
  "too-large": "This file is too large",
  busy: "The server has too much to do",
  "not-ready": "The server is still starting",
  timeout: "It took too long",
  unauthorized: "An API key is needed",
  unreachable: "No connection",
};

/**
 * Show a problem in a dialog, over work that stays.
 *
 * @type {(problem: unknown) => void}
 */
export function showProblem(problem) {
  describe(problem, dialog);
  dialog.showModal();
}

/**
 * Write a problem, with a file of `name` if given, into a place with .title, .got, .expected, .remedy, .failures.
 *
 * @type {(problem: unknown, place: HTMLElement, name?: string) => void}
 */
export function describe(problem, place, name = "") {
  if (!(problem instanceof ServerProblem)) throw problem; // a bug: the console should have it
  /** @type {(name: string) => HTMLElement} */
  const part = (name) => one(place, `.${name}`);
  const broken = problem.failures.filter(({ severity }) => severity === "critical");
  const title = TITLES[problem.kind] ?? "That did not work";
  part("title").textContent = name ? `${name}: ${title.charAt(0).toLowerCase()}${title.slice(1)}` : title;
  part("failures").replaceChildren(...broken.map(failure));
  part("failures").hidden = broken.length === 0;
  part("plain").hidden = broken.length > 0;
  part("got").textContent = sentence(inWords(problem.got));
  part("expected").textContent = problem.expected && `Expected: ${inWords(problem.expected)}.`;
  part("remedy").textContent = problem.remedy && `What to do: ${inWords(problem.remedy).replace(/\.$/, "")}.`;
}

/** @type {(failure: Failure) => HTMLElement} */
function failure({ meaning, column, value, expected, remedy }) {
  const item = copyOf(template);
  one(item, ".meaning").textContent = sentence(meaning);
  const measured = `Measured: ${column.replaceAll("_", " ")} ${shown(value)}, expected ${expected}.`;
  one(item, ".measured").textContent = column && measured;
  one(item, ".to-do").textContent = `What to do: ${inWords(remedy)}.`;
  return item;
}

/** @type {(value: unknown) => string} */
const shown = (value) => (typeof value === "number" ? String(Number(value.toPrecision(3))) : String(value));
/** @type {(text: string) => string} */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
