/** Sending a corrected result to the server, signed by who looked, and never over somebody else's without asking. */

import { announce } from "../base/announce.js";
import { byId, one } from "../base/elements.js";
import { annotationsOf, withoutPictures } from "../editing/annotations.js";
import * as api from "./api.js";
import { ServerProblem } from "./calling.js";
import { showProblem } from "./problem.js";

/** @import { Session } from "../editing/session.js" */
/** @import { Answer, Correction, Info, Saved, Work } from "./api.js" */

/**
 * How a picture stands with the server: what was said of its last save, the correction that this work goes on from, and
 * the one that the server keeps and that was not opened.
 *
 * @typedef {{ said: string, etag: string | null, theirs: Correction | null }} Standing
 */

const REVIEWER = "chromseg-reviewer"; // kept in this browser, so that it is typed once

const form = byId("save-form", HTMLFormElement);
const note = byId("save-note");
const reviewer = byId("reviewer", HTMLInputElement);
const kept = byId("kept-now");
const button = one(form, "button");
const conflict = byId("conflict-dialog", HTMLDialogElement);

/** @type {WeakMap<Answer, Standing>} */
const standings = new WeakMap();
/** @type {Standing} */
let standing = { said: "", etag: null, theirs: null }; // of the picture at work

/**
 * Bring the form to life; `on` tells whether the server keeps corrections, `open` is called to see another's.
 *
 * @type {(session: Session, current: () => Work, on: boolean, open: (correction: Correction) => void) => void}
 */
export function saving(session, current, on, open) {
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
      await save(session, current, new FormData(form), open);
    } catch (problem) {
      showProblem(problem);
    } finally {
      button.removeAttribute("aria-busy");
      tell(session);
    }
  });
}

/**
 * Another picture is at work, and stands as it did when it was put aside; at first the server keeps a correction of it, or
 * none.
 *
 * @type {(answer: Answer, correction: Correction | null) => void}
 */
export function resetSaving(answer, correction) {
  standing = standings.get(answer) ?? { said: "", etag: null, theirs: correction };
  standings.set(answer, standing);
  one(form, "[name=case]", HTMLInputElement).value = "";
  one(form, "[name=note]", HTMLTextAreaElement).value = "";
}

/**
 * The work goes on from a correction that the server keeps.
 *
 * @type {(session: Session, correction: Correction) => void}
 */
export function goesOnFrom(session, correction) {
  Object.assign(standing, { said: `Saved ${whose(correction.info)}.`, etag: correction.etag, theirs: null });
  session.markSaved(session.step);
}

/**
 * "by Ada (key microscope-1) on 12 May 2026, 14:03, of chromseg, version 3".
 *
 * @type {(info: Info) => string}
 */
export function whose({ reviewer: who, key, time, model: { name, version } }) {
  const when = new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return `by ${who}${key ? ` (key ${key})` : ""} on ${when}, of ${name}${version ? `, version ${version}` : ""}`;
}

/** @type {(session: Session, current: () => Work, fields: FormData, open: (correction: Correction) => void) => Promise<void>} */
async function save(session, current, fields, open) {
  const { file, answer, page, markSaved } = current();
  const own = standing;
  note.textContent = "Saving …";
  const given = Object.fromEntries([...fields].map(([name, value]) => [name, String(value).trim()]));
  const { step } = session; // what is sent; more may be done until the answer comes
  const sent = {
    ...given,
    page,
    original: JSON.stringify(withoutPictures(answer)),
    corrected: JSON.stringify({ annotations: annotationsOf(step.instances, session.size) }),
  };
  const answered = await sentOrSettled((tag) => api.correct(file, sent, tag), own, answer, open);
  if (!answered) return conflict.returnValue === "theirs" ? undefined : announce("Not saved."); // theirs tells of itself
  const time = new Date(answered.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const counts = `${answered.n_corrected} chromosomes, ${answered.n_original} before`;
  const said = `Saved at ${time} by ${answered.reviewer}: ${counts}.`;
  Object.assign(own, { said, etag: answered.etag, theirs: null });
  markSaved(step);
  return announce(own === standing ? said : `${file.name}: ${said}`); // another picture may be at work by now
}

/**
 * Send; where somebody else has saved since, ask what to do: over it, to see theirs, or neither, which gives null.
 *
 * @type {(send: (tag: string | null) => Promise<Saved>, own: Standing, answer: Answer, open: (correction: Correction) => void) => Promise<Saved | null>}
 */
async function sentOrSettled(send, own, answer, open) {
  try {
    return await send(own.etag);
  } catch (problem) {
    if (!(problem instanceof ServerProblem) || problem.kind !== "conflict") throw problem;
    const other = await api.correctionOf(answer);
    if (!other) throw problem;
    if (own !== standing) throw problem; // its picture was put aside: what is asked would be of another
    byId("conflict-who").textContent = `Saved ${whose(other.info)}.`;
    conflict.returnValue = "";
    conflict.showModal();
    await new Promise((resolve) => conflict.addEventListener("close", resolve, { once: true }));
    if (conflict.returnValue === "theirs" && own === standing) open(other);
    return conflict.returnValue === "over" ? send(other.etag) : null;
  }
}

/** @type {(session: Session) => void} */
function tell(session) {
  if (button.getAttribute("aria-busy") === "true") return;
  const { said, theirs } = standing;
  const unsaved = said ? "Changed since: not saved yet." : "Not saved yet.";
  const other = theirs ? `A correction is kept on the server, ${whose(theirs.info)}.` : "";
  kept.textContent = said
    ? "This picture is kept on the server, as of the last save."
    : other || "Nothing of this picture is kept on the server until you save.";
  note.textContent = [said, session.unsaved ? unsaved : ""].filter(Boolean).join(" ");
}
