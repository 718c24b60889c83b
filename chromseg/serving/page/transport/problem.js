/** Showing what went wrong, and what to do about it. */

import { ServerProblem } from "./api.js";

const dialog = document.getElementById("problem-dialog");
const template = document.getElementById("failure");

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

/** Show a problem in a dialog, over work that stays. */
export function showProblem(problem) {
  describe(problem, dialog);
  dialog.showModal();
}

/** Write a problem, with a file of `name` if given, into a place with .title, .got, .expected, .remedy, .failures. */
export function describe(problem, place, name = "") {
  if (!(problem instanceof ServerProblem)) throw problem; // a bug: the console should have it
  const part = (name) => place.querySelector(`.${name}`);
  const broken = problem.failures.filter(({ severity }) => severity === "critical");
  const title = TITLES[problem.kind] ?? "That did not work";
  part("title").textContent = name ? `${name}: ${title.charAt(0).toLowerCase()}${title.slice(1)}` : title;
  part("failures").replaceChildren(...broken.map(failure));
  part("failures").hidden = broken.length === 0;
  part("plain").hidden = broken.length > 0;
  part("got").textContent = sentence(problem.got);
  part("expected").textContent = problem.expected && `Expected: ${problem.expected}.`;
  part("remedy").textContent = problem.remedy && `What to do: ${problem.remedy.replace(/\.$/, "")}.`;
}

function failure({ meaning, column, value, expected, remedy }) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.querySelector(".meaning").textContent = sentence(meaning);
  const measured = `Measured: ${column.replaceAll("_", " ")} ${shown(value)}, expected ${expected}.`;
  item.querySelector(".measured").textContent = column && measured;
  item.querySelector(".to-do").textContent = `What to do: ${remedy}.`;
  return item;
}

const shown = (value) => (typeof value === "number" ? String(Number(value.toPrecision(3))) : String(value));
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
