/** Facts that stay: which model, what a good picture looks like, and what is known of this result. */

import * as api from "./api.js";

const byId = (id) => document.getElementById(id);

/** Name the model, and open its card. */
export function aboutModel(model, needsKey) {
  byId("model-name").textContent = nameOf(model);
  byId("model-card").addEventListener("click", async (event) => {
    if (!needsKey) return; // a plain link; with keys it has to be fetched
    event.preventDefault();
    byId("card-text").textContent = await api.cardText();
    byId("card-dialog").showModal();
  });
}

/** The rules that a picture has to keep. */
export function aboutRules(rules) {
  byId("rules").replaceChildren(...rules.map(({ meaning, remedy }) => listItem(`${sentence(meaning)}: ${remedy}.`)));
}

/** What was noticed about a picture that was taken all the same, and where the result comes from. */
export function aboutResult(answer) {
  const notes = [answer.validation.input, answer.validation.result].flatMap((report) => report?.failures ?? []);
  byId("notes-card").hidden = notes.length === 0;
  const items = notes.map(({ meaning, remedy }) => listItem(`${sentence(meaning)}. ${sentence(remedy)}.`));
  byId("notes").replaceChildren(...items);
  const facts = {
    Model: nameOf(answer.model),
    Lineage: answer.model.lineage_id ?? "not registered",
    Weights: short(answer.model.weights_sha256),
    Picture: short(answer.model.image_sha256),
    Software: answer.model.software_version,
    "Read as": answer.options.polarity.replaceAll("-", " "),
    Scale: `× ${answer.options.scale}`,
    Time: `${Math.round(answer.timings_ms.total)} ms`,
  };
  const pairs = Object.entries(facts).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  byId("facts").replaceChildren(...pairs);
}

const nameOf = ({ name, version }) => (version ? `${name}, version ${version}` : `${name}, not registered`);
const short = (hash) => (hash ? hash.slice(0, 12) : "none");
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const listItem = (text) => element("li", text);

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
