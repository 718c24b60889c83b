/** Which of the page's views is shown. */

import { byId, one } from "../base/elements.js";
import { describe } from "../transport/problem.js";

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
 * The view of a picture that is being cut; gives what is told of a busy server.
 *
 * @type {(name: string) => (seconds: number) => void}
 */
export function showBusy(name) {
  byId("busy-name").textContent = name;
  byId("busy-said").textContent = "This takes a few seconds.";
  show("busy");
  return (seconds) => (byId("busy-said").textContent = `The server is busy; trying again in ${seconds} s.`);
}
