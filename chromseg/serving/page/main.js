/** The page: take pictures, have them cut, look, correct, take along. */

import { all, around, byId } from "./base/elements.js";
import { band } from "./picture/band.js";
import { look } from "./picture/look.js";
import { pan } from "./picture/pan.js";
import { stage } from "./picture/stage.js";
import { actions } from "./editing/actions.js";
import { Session } from "./editing/session.js";
import * as api from "./transport/api.js";
import { exports } from "./transport/exports.js";
import { describe, showProblem } from "./transport/problem.js";
import { inMegabytes } from "./transport/reading.js";
import { saving } from "./transport/saving.js";
import { taking } from "./transport/taking.js";
import { aboutModel, aboutRules } from "./panels/about.js";
import { offerModels } from "./panels/choice.js";
import { karyogram } from "./panels/karyogram.js";
import { draftsOf, offerDrafts, openCorrection } from "./panels/offers.js";
import { panel } from "./panels/panel.js";
import { sheet } from "./panels/sheet.js";
import { show } from "./panels/views.js";
import { opening } from "./flow/opening.js";

/** @import { Entry } from "./panels/worklist.js" */

const session = new Session();
const pageField = byId("page", HTMLInputElement);

async function begin() {
  const settings = await api.settings();
  byId("suffixes").textContent = settings.suffixes.join(" ");
  byId("most").textContent = inMegabytes(settings.max_body_bytes);
  stage(session);
  pan();
  band(session);
  look();
  sheet(session);
  panel(session, settings.expected_count);
  const pictures = opening(session, settings);
  actions(session, api.partition, showProblem, pictures.steps);
  exports(session, pictures.atWork);
  karyogram(session, pictures.atWork);
  saving(session, pictures.atWork, settings.corrections, (correction) => openCorrection(session, correction));
  draftsOf(session, pictures.atWork);
  await offerDrafts(pictures.goOn);
  taking(settings.suffixes, pictures.take);
  readingOptions(pictures);
  byId("stop").addEventListener("click", pictures.stopped);
  pageField.addEventListener("change", () => {
    if (pageField.reportValidity()) pictures.openPage(Number(pageField.value) - 1);
  });
  byId("refusal-close").addEventListener("click", () => {
    byId("refusal").hidden = true;
    byId("file-name").focus();
  });
  for (const button of all(document, "[data-opens]")) {
    button.addEventListener("click", () => byId(button.dataset.opens ?? "", HTMLDialogElement).showModal());
  }
  window.addEventListener("beforeunload", (event) => pictures.list.unsaved && event.preventDefault());
  const [models, rules] = await Promise.all([api.models(), api.rules()]);
  aboutModel(models, settings.needs_key);
  offerModels(models);
  aboutRules(rules);
  document.body.dataset.ready = "yes";
}

/**
 * The dialog of reading options, which can have a picture cut again.
 *
 * @type {(pictures: ReturnType<typeof opening>) => void}
 */
function readingOptions({ list, refused, cutAgain }) {
  /** @type {Entry | null} */
  let again = null; // the one that "Cut again" means
  for (const button of all(document, "[data-opens=options-dialog]")) {
    button.addEventListener("click", ({ currentTarget }) => {
      again = around(currentTarget, "#problem, #refusal") ? refused() : list.current;
      byId("cut-again").hidden = again === null;
      byId("options-for").textContent = again
        ? `Cut again reads ${again.file.name} anew. Later pictures are read the same way.`
        : "All pictures are read this way, until you change it or load this page anew.";
    });
  }
  byId("options").addEventListener("submit", ({ submitter }) => {
    if (submitter?.id === "cut-again" && again) cutAgain(again);
  });
}

begin().catch((problem) => {
  describe(problem, byId("problem"));
  show("problem");
});
