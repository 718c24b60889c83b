/** Sending a corrected result to the server, signed by who looked. */

import { announce } from "./announce.js";
import { annotationsOf, withoutPictures } from "./annotations.js";
import * as api from "./api.js";
import { showProblem } from "./problem.js";

const REVIEWER = "chromseg-reviewer"; // kept in this browser, so that it is typed once

const form = document.getElementById("save-form");
const note = document.getElementById("save-note");
const reviewer = document.getElementById("reviewer");

/** Bring the form to life; `current()` gives {file, answer, page}; `on` tells whether the server keeps corrections. */
export function saving(session, current, on) {
  form.hidden = !on;
  document.getElementById("save-off").hidden = on;
  reviewer.value = localStorage.getItem(REVIEWER) ?? "";
  session.addEventListener("change", () => {
    if (session.unsaved) note.textContent = "Not saved yet.";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      localStorage.setItem(REVIEWER, reviewer.value.trim());
      await save(session, current(), new FormData(form));
    } catch (problem) {
      showProblem(problem);
    }
  });
}

/** Forget what was said about the picture before. */
export function resetSaving() {
  note.textContent = "";
  form.elements.case.value = "";
  form.elements.note.value = "";
}

async function save(session, { file, answer, page }, fields) {
  note.textContent = "Saving …";
  const given = Object.fromEntries([...fields].map(([name, value]) => [name, value.trim()]));
  const saved = await api.correct(file, {
    ...given,
    page,
    original: JSON.stringify(withoutPictures(answer)),
    corrected: JSON.stringify({ annotations: annotationsOf(session.instances, session.size) }),
  });
  session.markSaved();
  const time = new Date(saved.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const counts = `${saved.n_corrected} chromosomes, ${saved.n_original} before`;
  note.textContent = `Saved at ${time} by ${saved.reviewer}: ${counts}.`;
  announce(note.textContent);
}
