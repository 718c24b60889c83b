/** Facts that stay: which model, what a good picture looks like, and what is known of this result. */

import { announce } from "../base/announce.js";
import * as api from "../transport/api.js";

const AGAIN = 15_000; // ms between two looks at the model that is served

const byId = (id) => document.getElementById(id);

let served = null; // the model that the server uses now
let used = null; // the model that made the result at work

/** Name the model, now and whenever it changes, and open its card. */
export function aboutModel(model, needsKey) {
  served = model;
  renderModel();
  setInterval(lookAgain, AGAIN);
  document.addEventListener("visibilitychange", lookAgain);
  byId("model-card").addEventListener("click", async (event) => {
    if (!needsKey) return; // a plain link; with keys it has to be fetched
    event.preventDefault();
    byId("card-text").textContent = await api.cardText();
    byId("card-dialog").showModal();
  });
}

/** A server may change its model while the page is open; an earlier result stays that of the earlier one. */
async function lookAgain() {
  if (document.hidden) return;
  try {
    const before = served;
    served = await api.modelNow();
    renderModel();
    if (!same(before, served)) announce(`The server now uses ${nameOf(served)}.`);
  } catch (problem) {
    if (!(problem instanceof api.ServerProblem)) throw problem;
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
  byId("model-card").textContent = changed ? "Model card of the one in use now" : "Model card";
}

/** The rules that a picture has to keep. */
export function aboutRules(rules) {
  byId("rules").replaceChildren(...rules.map(({ meaning, remedy }) => listItem(`${sentence(meaning)}. ${sentence(remedy)}.`)));
}

/** What was noticed about a picture that was taken all the same, and where the result comes from. */
export function aboutResult(answer) {
  used = served = answer.model;
  renderModel();
  const notes = [answer.validation.input, answer.validation.result].flatMap((report) => report?.failures ?? []);
  byId("notes-card").hidden = notes.length === 0;
  const items = notes.map(({ meaning, remedy }) => listItem(`${sentence(meaning)}. ${sentence(remedy)}.`));
  byId("notes").replaceChildren(...items);
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
  byId("history").querySelector("code").textContent = `chromseg-ops models history ${answer.model.name}`;
  const pairs = Object.entries(facts).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  byId("facts").replaceChildren(...pairs);
}

const nameOf = ({ name, version }) => (version ? `${name}, version ${version}` : `${name}, not registered`);
const same = (one, other) => ["name", "version", "weights_sha256"].every((key) => one[key] === other[key]);
const short = (hash) => (hash ? hash.slice(0, 16) : "none");
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const listItem = (text) => element("li", text);

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
