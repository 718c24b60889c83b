/** The page: take a picture, have it cut, look, correct, take along. */

import { aboutModel, aboutResult, aboutRules } from "./panels/about.js";
import { actions } from "./editing/actions.js";
import { announce } from "./base/announce.js";
import { instancesOf } from "./editing/annotations.js";
import * as api from "./transport/api.js";
import { cropFrom } from "./panels/crops.js";
import { exports } from "./transport/exports.js";
import { pan } from "./picture/pan.js";
import { panel } from "./panels/panel.js";
import { describe } from "./transport/problem.js";
import { inMegabytes, read } from "./transport/reading.js";
import { resetSaving, saving } from "./transport/saving.js";
import { Session } from "./editing/session.js";
import { sheet } from "./panels/sheet.js";
import { showPicture, stage } from "./picture/stage.js";
import { taking } from "./transport/taking.js";
import { cancelTask } from "./base/task.js";
import { doubtful } from "./base/words.js";
import { fit } from "./picture/zoom.js";

const VIEWS = ["start", "busy", "problem", "work"];

const byId = (id) => document.getElementById(id);
const session = new Session();
let current = null; // {file, answer, page}: the result that is shown
let refused = null; // {file, page}: what was given last and could not be cut
let again = null; // of these two the one that "Cut again" means
let mostBytes = Infinity; // of a file that the server takes
let stopping = new AbortController();

/** Show one of the views; its heading gets the focus. */
function show(view) {
  for (const name of VIEWS) byId(name).hidden = name !== view;
  byId(view).querySelector("h1").focus();
}

/** Cut a picture, unless that would lose work. The result at work stays until there is another. */
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
    const waiting = (seconds) => (byId("busy-said").textContent = `The server is busy; trying again in ${seconds} s.`);
    const answer = await api.segment(file, { ...options(), page }, { signal, waiting });
    await showResult(file, answer);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    refused = { file, page };
    describe(problem, byId(current ? "refusal" : "problem"), file.name);
    if (current) showBeside();
    else show("problem");
  }
}

/** What was wrong with another picture, over the result that stays. */
function showBeside() {
  byId("refusal-kept").textContent = current.file.name;
  byId("refusal").hidden = false;
  showPage();
  show("work");
  byId("refusal-title").focus();
}

/** The number of the page that is shown, whichever was asked for last. */
function showPage() {
  if (current) byId("page").value = current.page + 1;
}

async function showResult(file, answer) {
  const [{ height, width, page, pages }] = answer.images;
  current = { file, answer, page };
  byId("file-name").textContent = file.name;
  byId("pages").hidden = pages < 2;
  byId("page").max = pages;
  byId("page-count").textContent = pages;
  showPage();
  resetSaving();
  aboutResult(answer);
  showPicture(answer.picture, [height, width]);
  await cropFrom(byId("picture"));
  show("work");
  session.start(instancesOf(answer), [height, width]);
  fit([height, width]);
  announce(`${session.instances.length} chromosomes found, ${doubtful(session.instances).length} to look at.`);
}

function options() {
  const { polarity, scale } = Object.fromEntries(new FormData(byId("options")));
  return { polarity, scale: scale.trim() || "auto" };
}

/** Whether a person agrees to lose what is not saved. */
async function agrees() {
  const dialog = byId("lose-dialog");
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

function openOptions({ currentTarget }) {
  again = currentTarget.closest("#problem, #refusal") ? refused : current;
  byId("cut-again").hidden = again === null;
  byId("options-for").textContent = again
    ? `Cut again reads ${again.file.name} anew. Later pictures are read the same way.`
    : "All pictures are read this way, until you change it or load this page anew.";
}

async function begin() {
  const settings = await api.settings();
  byId("suffixes").textContent = settings.suffixes.join(" ");
  mostBytes = settings.max_body_bytes;
  byId("most").textContent = inMegabytes(mostBytes);
  stage(session);
  pan();
  sheet(session);
  panel(session, settings.expected_count);
  actions(session);
  exports(session, () => current);
  saving(session, () => current, settings.corrections);
  taking((file) => take(file));
  byId("stop").addEventListener("click", stop);
  byId("options").addEventListener("submit", ({ submitter }) => {
    if (submitter.id === "cut-again") take(again.file, again.page);
  });
  byId("page").addEventListener("change", ({ target }) => {
    if (target.reportValidity()) take(current.file, Number(target.value) - 1);
  });
  byId("refusal-close").addEventListener("click", () => {
    byId("refusal").hidden = true;
    byId("file-name").focus();
  });
  for (const button of document.querySelectorAll("[data-opens=options-dialog]")) {
    button.addEventListener("click", openOptions);
  }
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.addEventListener("click", () => byId(button.dataset.opens).showModal());
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
