/** The page: take a picture, have it cut, look, correct, take along. */

import { announce } from "./base/announce.js";
import { all, around, byId, one } from "./base/elements.js";
import { cancelTask } from "./base/task.js";
import { doubtful } from "./base/words.js";
import { look } from "./picture/look.js";
import { pan } from "./picture/pan.js";
import { focusStage, showPicture, stage } from "./picture/stage.js";
import { fit } from "./picture/zoom.js";
import { actions } from "./editing/actions.js";
import { instancesOf } from "./editing/annotations.js";
import { Session } from "./editing/session.js";
import * as api from "./transport/api.js";
import { isAbort } from "./transport/calling.js";
import { exports } from "./transport/exports.js";
import { describe, showProblem } from "./transport/problem.js";
import { inMegabytes, read } from "./transport/reading.js";
import { resetSaving, saving } from "./transport/saving.js";
import { taking } from "./transport/taking.js";
import { aboutModel, aboutResult, aboutRules } from "./panels/about.js";
import { cropFrom } from "./panels/crops.js";
import { panel } from "./panels/panel.js";
import { sheet } from "./panels/sheet.js";

/** @import { Answer, Work } from "./transport/api.js" */

/** @typedef {{ file: File, page: number }} Given A page of a picture. */

const VIEWS = ["start", "busy", "problem", "work"];

const session = new Session();
const pageField = byId("page", HTMLInputElement);
/** @type {Work | null} */
let current = null; // the result that is shown
/** @type {Given | null} */
let refused = null; // what was given last and could not be cut
/** @type {Given | null} */
let again = null; // of these two the one that "Cut again" means
let mostBytes = Infinity; // of a file that the server takes
let stopping = new AbortController();

/**
 * Show one of the views; its heading gets the focus.
 *
 * @type {(view: string) => void}
 */
function show(view) {
  for (const name of VIEWS) byId(name).hidden = name !== view;
  one(byId(view), "h1").focus();
}

/**
 * Cut a picture, unless that would lose work. The result at work stays until there is another.
 *
 * @type {(given: File, page?: number) => Promise<void>}
 */
async function take(given, page = 0) {
  if (session.unsaved && !(await agrees())) return showPage();
  cancelTask();
  byId("refusal").hidden = true;
  stopping.abort();
  stopping = new AbortController();
  const { signal } = stopping;
  byId("busy-name").textContent = given.name;
  byId("busy-said").textContent = "This takes a few seconds.";
  show("busy");
  let file = given;
  try {
    file = await read(given, mostBytes);
    /** @type {(seconds: number) => void} */
    const waiting = (seconds) => {
      byId("busy-said").textContent = `The server is busy; trying again in ${seconds} s.`;
    };
    const answer = await api.segment(file, { ...options(), page }, { signal, waiting });
    await showResult(file, answer);
  } catch (problem) {
    if (isAbort(problem)) return;
    refused = { file, page };
    describe(problem, byId(current ? "refusal" : "problem"), file.name);
    if (current) showBeside(current);
    else show("problem");
  }
}

/**
 * What was wrong with another picture, over the result that stays.
 *
 * @type {(current: Work) => void}
 */
function showBeside({ file }) {
  byId("refusal-kept").textContent = file.name;
  byId("refusal").hidden = false;
  showPage();
  show("work");
  byId("refusal-title").focus();
}

/** The number of the page that is shown, whichever was asked for last. */
function showPage() {
  if (current) pageField.value = String(current.page + 1);
}

/** @type {(file: File, answer: Answer) => Promise<void>} */
async function showResult(file, answer) {
  const [{ height, width, page, pages }] = answer.images;
  current = { file, answer, page };
  byId("file-name").textContent = file.name;
  byId("pages").hidden = pages < 2;
  pageField.max = String(pages);
  byId("page-count").textContent = String(pages);
  showPage();
  resetSaving();
  aboutResult(answer);
  showPicture(answer.picture, [height, width]);
  await cropFrom(byId("picture", HTMLImageElement));
  show("work");
  session.start(instancesOf(answer), [height, width]);
  fit([height, width]);
  focusStage(); // the keys work at once
  announce(`${file.name}: ${session.instances.length} chromosomes found, ${doubtful(session.instances).length} to look at.`);
}

function options() {
  const given = new FormData(byId("options", HTMLFormElement));
  const field = (/** @type {string} */ name) => String(given.get(name)).trim();
  return { polarity: field("polarity"), scale: field("scale") || "auto" };
}

/** Whether a person agrees to lose what is not saved. */
async function agrees() {
  const dialog = byId("lose-dialog", HTMLDialogElement);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "ok";
}

function stop() {
  stopping.abort();
  announce("Stopped.");
  showPage();
  show(current ? "work" : "start");
}

/** @type {(event: Event) => void} */
function openOptions({ currentTarget }) {
  again = around(currentTarget, "#problem, #refusal") ? refused : current;
  byId("cut-again").hidden = again === null;
  byId("options-for").textContent = again
    ? `Cut again reads ${again.file.name} anew. Later pictures are read the same way.`
    : "All pictures are read this way, until you change it or load this page anew.";
}

function atWork() {
  if (!current) throw new Error("nothing is cut yet");
  return current;
}

async function begin() {
  const settings = await api.settings();
  byId("suffixes").textContent = settings.suffixes.join(" ");
  mostBytes = settings.max_body_bytes;
  byId("most").textContent = inMegabytes(mostBytes);
  stage(session);
  pan();
  look();
  sheet(session);
  panel(session, settings.expected_count);
  actions(session, api.partition, showProblem);
  exports(session, atWork);
  saving(session, atWork, settings.corrections);
  taking((file) => take(file));
  byId("stop").addEventListener("click", stop);
  byId("options").addEventListener("submit", ({ submitter }) => {
    if (submitter?.id === "cut-again" && again) take(again.file, again.page);
  });
  pageField.addEventListener("change", () => {
    if (pageField.reportValidity()) take(atWork().file, Number(pageField.value) - 1);
  });
  byId("refusal-close").addEventListener("click", () => {
    byId("refusal").hidden = true;
    byId("file-name").focus();
  });
  for (const button of all(document, "[data-opens=options-dialog]")) {
    button.addEventListener("click", openOptions);
  }
  for (const button of all(document, "[data-opens]")) {
    button.addEventListener("click", () => byId(button.dataset.opens ?? "", HTMLDialogElement).showModal());
  }
  window.addEventListener("beforeunload", (event) => session.unsaved && event.preventDefault());
  const [model, rules] = await Promise.all([api.model(), api.rules()]);
  aboutModel(model, settings.needs_key);
  aboutRules(rules);
  document.body.dataset.ready = "yes";
}

begin().catch((problem) => {
  describe(problem, byId("problem"));
  show("problem");
});
