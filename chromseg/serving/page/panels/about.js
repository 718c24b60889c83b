/** Facts that stay: which model, what a good picture looks like, what is known of this result and of its model. */

import { announce } from "../base/announce.js";
import { byId, one } from "../base/elements.js";
import { measuredSaid } from "../base/measured.js";
import { inWords } from "../base/words.js";
import * as api from "../transport/api.js";
import { ServerProblem } from "../transport/calling.js";

/** @import { Answer, Identity, Model } from "../transport/api.js" */
/** @import { Rule } from "../transport/calling.js" */

const AGAIN = 15_000; // ms between two looks at the model that is served
const IDENTITY = /** @type {const} */ (["name", "version", "weights_sha256"]);

const stain = one(byId("work"), "[name=stain]", HTMLSelectElement);

/** @type {Map<string, Model>} */
const known = new Map(); // all that was ever heard of models, by what they are
let choice = ""; // what the model is called that was asked for the result at work
/** @type {Model} */
let served; // the model that the server uses now under that name
/** @type {Identity | null} */
let used = null; // the model that made the result at work

/**
 * Name the model, now and whenever it changes, and open its card.
 *
 * @type {(models: Model[], needsKey: boolean) => void}
 */
export function aboutModel(models, needsKey) {
  for (const model of models) known.set(idOf(model), model);
  [served] = models;
  renderModel();
  stain.addEventListener("change", () => {
    renderMeasured();
    announce(byId("measured").textContent, { seen: false });
  });
  setInterval(lookAgain, AGAIN);
  document.addEventListener("visibilitychange", lookAgain);
  byId("model-card").addEventListener("click", async (event) => {
    if (!needsKey) return; // a plain link; with keys it has to be fetched
    event.preventDefault();
    byId("card-text").textContent = await api.cardText(choice);
    byId("card-dialog", HTMLDialogElement).showModal();
  });
}

/** A server may change its model while the page is open; an earlier result stays that of the earlier one. */
async function lookAgain() {
  if (document.hidden) return;
  const [before, asked] = [served, choice];
  await askAgain();
  if (asked === choice && !same(before, served)) announce(`The server now uses ${nameOf(served)}.`);
}

async function askAgain() {
  try {
    const [asked, model] = [choice, await api.modelNow(choice)];
    known.set(idOf(model), model);
    if (asked !== choice) return; // another result is at work by now
    served = model;
    renderModel();
  } catch (problem) {
    if (!(problem instanceof ServerProblem)) throw problem;
    byId("model-served").textContent = "Which model the server uses now is not known: it does not answer.";
    byId("model-served").hidden = false;
  }
}

function renderModel() {
  const changed = used !== null && !same(used, served);
  byId("model-of").textContent = changed ? "This result is by" : "Model";
  byId("model-name").textContent = nameOf(used ?? served);
  byId("model-served").textContent = changed ? `The server now uses ${nameOf(served)}.` : "";
  byId("model-served").hidden = !changed;
  byId("model-card", HTMLAnchorElement).href = api.cardOf(choice);
  byId("model-card").textContent = changed ? "Model card of the one in use now" : "Model card";
}

/** What the model of the result was measured on, beside the stain that a person names. */
function renderMeasured() {
  const model = used && known.get(idOf(used));
  const { said, warns } = measuredSaid(model?.measured ?? {}, stain.value);
  byId("measured").textContent = said;
  byId("measured-card").classList.toggle("warns", warns);
}

/**
 * The rules that a picture has to keep.
 *
 * @type {(rules: Rule[]) => void}
 */
export function aboutRules(rules) {
  byId("rules").replaceChildren(...rules.map(ruleItem));
}

/**
 * What was noticed about a picture that was taken all the same, and where the result comes from: a model that was asked
 * for by a name.
 *
 * @type {(answer: Answer, asked: string) => Promise<void>}
 */
export async function aboutResult(answer, asked) {
  const other = choice !== asked;
  choice = asked;
  used = answer.model;
  if (other || !same(served, used)) await askAgain();
  if (used !== answer.model) return; // another picture is at work by now
  renderModel();
  renderMeasured();
  const notes = [answer.validation.input, answer.validation.result].flatMap((report) => report?.failures ?? []);
  byId("notes-card").hidden = notes.length === 0;
  byId("notes").replaceChildren(...notes.map(ruleItem));
  const facts = {
    Model: nameOf(answer.model),
    Lineage: answer.model.lineage_id ?? "not registered",
    "Weights SHA-256": short(answer.model.weights_sha256),
    "Picture SHA-256": short(answer.model.image_sha256),
    Software: answer.model.software_version,
    "Read as": answer.options.polarity.replaceAll("-", " "),
    Scale: `× ${answer.options.scale}`,
    Took: `${(answer.timings_ms.total / 1000).toFixed(1)} s`,
  };
  byId("history").hidden = !answer.model.version;
  one(byId("history"), "code").textContent = `chromseg-ops models history ${answer.model.name}`;
  const pairs = Object.entries(facts).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  byId("facts").replaceChildren(...pairs);
}

/** @type {(model: Identity) => string} */
function nameOf(model) {
  const { name, version } = model;
  return version ? `${name}, version ${version}` : `${known.get(idOf(model))?.choice ?? name}, not registered`;
}

/** @type {(model: Identity) => string} */
const idOf = (model) => JSON.stringify(IDENTITY.map((key) => model[key]));
/** @type {(one: Identity, other: Identity) => boolean} */
const same = (one, other) => idOf(one) === idOf(other);
/** @type {(hash: string | null) => string} */
const short = (hash) => (hash ? hash.slice(0, 16) : "none");
/** @type {(text: string) => string} */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/** @type {(rule: Rule) => HTMLElement} */
const ruleItem = ({ meaning, remedy }) => element("li", `${sentence(meaning)}. ${sentence(inWords(remedy))}.`);

/** @type {(name: string, text: string) => HTMLElement} */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
