/** Which of the server's models cuts, chosen in words, and what is known of it. */

import { byId, one } from "../base/elements.js";
import { measuredSaid, stainName } from "../base/measured.js";
import { listed } from "../base/words.js";

/** @import { Model } from "../transport/api.js" */

const select = one(byId("options"), "[name=model]", HTMLSelectElement);

/**
 * Offer the models of a server; where there is but one, nothing is asked.
 *
 * @type {(models: Model[]) => void}
 */
export function offerModels(models) {
  select.replaceChildren(...models.map((model, place) => new Option(inWords(model), place ? model.choice : "")));
  byId("model-choice").hidden = models.length < 2;
  byId("cut-by").hidden = models.length < 2;
  const tell = () => {
    const model = models[Math.max(0, select.selectedIndex)];
    byId("cut-by").textContent = `Cut by ${calledOf(model)}; “Reading options” has others.`;
    byId("model-said").textContent = measuredSaid(model.measured, "").said;
  };
  select.addEventListener("change", tell);
  tell();
}

/**
 * "chromseg, version 3", or the name of its folder.
 *
 * @type {(model: Model) => string}
 */
function calledOf({ name, version, choice }) {
  return version ? `${name}, version ${version}` : choice;
}

/** @type {(model: Model) => string} */
function inWords(model) {
  const stains = Object.keys(model.measured).sort().map(stainName);
  return `${calledOf(model)}: ${stains.length ? `for ${listed(stains)}` : "not measured"}`;
}
