/** Which of the page's views is shown. */

import { byId, one } from "../base/elements.js";
import { describe } from "../transport/problem.js";

/** @import { Job } from "../transport/jobs.js" */

const STEPS = {
  decode: "The picture is read.",
  network: "Chromosomes are looked for.",
  partition: "Crossings and touching chromosomes are cut.",
};
const VIEWS = ["start", "busy", "problem", "work"];

/**
 * Show one of the views; its heading gets the focus.
 *
 * @type {(view: string) => void}
 */
export function show(view) {
  for (const name of VIEWS) byId(name).hidden = name !== view;
  one(byId(view), "h1").focus();
}

/**
 * What was wrong with a picture: over the result `kept` that stays, or alone.
 *
 * @type {(problem: unknown, name: string, kept: string | undefined) => void}
 */
export function showRefusal(problem, name, kept) {
  describe(problem, byId(kept ? "refusal" : "problem"), name);
  if (!kept) return show("problem");
  byId("refusal-kept").textContent = kept;
  byId("refusal").hidden = false;
  show("work");
  return byId("refusal-title").focus();
}

/**
 * The view of a picture that is being cut.
 *
 * @type {(name: string) => void}
 */
export function showBusy(name) {
  byId("busy-name").textContent = name;
  sayWhy("This takes a few seconds.");
  show("busy");
}

/** @type {(seconds: number) => void} */
export const sayBusy = (seconds) => sayWhy(`The server is busy; trying again in ${seconds} s.`);

/** @type {(job: Job) => void} */
export const sayStep = ({ step }) => sayWhy(step ? STEPS[step] : "Other pictures come first.");

/** @type {(text: string) => void} */
function sayWhy(text) {
  byId("busy-said").textContent = text;
}
