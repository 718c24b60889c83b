/** Sending a corrected result to the server, signed by who looked. */

import { announce } from "../base/announce.js";
import { byId, one } from "../base/elements.js";
import { annotationsOf, withoutPictures } from "../editing/annotations.js";
import * as api from "./api.js";
import { showProblem } from "./problem.js";

/** @import { Session } from "../editing/session.js" */
/** @import { Work } from "./api.js" */

const REVIEWER = "chromseg-reviewer"; // kept in this browser, so that it is typed once

const form = byId("save-form", HTMLFormElement);
const note = byId("save-note");
const reviewer = byId("reviewer", HTMLInputElement);
const kept = byId("kept-now");
const button = one(form, "button");

let saved = ""; // what was said of the last save of this picture

/**
 * Bring the form to life; `current()` gives {file, answer, page}; `on` tells whether the server keeps corrections.
 *
 * @type {(session: Session, current: () => Work, on: boolean) => void}
 */
export function saving(session, current, on) {
  form.hidden = !on;
  byId("save-off").hidden = on;
  reviewer.value = localStorage.getItem(REVIEWER) ?? "";
  session.addEventListener("change", () => tell(session));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      localStorage.setItem(REVIEWER, reviewer.value.trim());
      await save(session, current, new FormData(form));
    } catch (problem) {
      showProblem(problem);
    } finally {
      button.removeAttribute("aria-busy");
      tell(session);
    }
  });
}

/** Forget what was said about the picture before. */
export function resetSaving() {
  saved = "";
  one(form, "[name=case]", HTMLInputElement).value = "";
  one(form, "[name=note]", HTMLTextAreaElement).value = "";
}

/** @type {(session: Session, current: () => Work, fields: FormData) => Promise<void>} */
async function save(session, current, fields) {
  const { file, answer, page } = current();
  note.textContent = "Saving …";
  const given = Object.fromEntries([...fields].map(([name, value]) => [name, String(value).trim()]));
  const { step } = session; // what is sent; more may be done until the answer comes
  const answered = await api.correct(file, {
    ...given,
    page,
    original: JSON.stringify(withoutPictures(answer)),
    corrected: JSON.stringify({ annotations: annotationsOf(step.instances, session.size) }),
  });
  const time = new Date(answered.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const counts = `${answered.n_corrected} chromosomes, ${answered.n_original} before`;
  const said = `Saved at ${time} by ${answered.reviewer}: ${counts}.`;
  if (current().answer !== answer) return announce(`${file.name}: ${said}`); // another picture is at work by now
  saved = said;
  session.markSaved(step);
  return announce(said);
}

/** @type {(session: Session) => void} */
function tell(session) {
  if (button.getAttribute("aria-busy") === "true") return;
  const unsaved = saved ? "Changed since: not saved yet." : "Not saved yet.";
  kept.textContent = saved
    ? "This picture is kept on the server, as of the last save."
    : "Nothing of this picture is kept on the server until you save.";
  note.textContent = [saved, session.unsaved ? unsaved : ""].filter(Boolean).join(" ");
}
