/** The karyogram of the picture: its chromosomes in their places, which a person changes by dragging, by taps or with keys. */

import { announce } from "../base/announce.js";
import { all, around, byId, one } from "../base/elements.js";
import { roving, tabStop } from "../base/roving.js";
import { annotationsOf, withoutPictures } from "../editing/annotations.js";
import { kept } from "../editing/edits.js";
import { place, turn } from "../editing/placing.js";
import * as api from "../transport/api.js";
import { hand, stemOf } from "../transport/exports.js";
import { showProblem } from "../transport/problem.js";

/** @import { Edit } from "../editing/edits.js" */
/** @import { Session, Step } from "../editing/session.js" */
/** @import { Karyogram, PlacedChromosome, Work } from "../transport/api.js" */

/** @type {Record<string, number | undefined>} */
const STEPS = { "+": 1, "=": 1, "-": -1 };

const dialog = byId("karyogram-dialog", HTMLDialogElement);
const rows = byId("karyogram-rows");
const count = byId("karyogram-count");

/** @typedef {{ told: Karyogram, ids: number[], step: Step }} Shown `ids` are those of the session, by number. */
/** @type {Shown | null} */
let shown = null;

/**
 * Bring the dialog to life; `current()` gives {file, answer, page}.
 *
 * @type {(session: Session, current: () => Work) => void}
 */
export function karyogram(session, current) {
  let asking = new AbortController(); // what was asked last: what overtakes it ends it

  /** @type {() => Promise<void>} */
  async function renew() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const late = () => signal.aborted || !dialog.open; // the event of closing comes a little after closing
    const { step } = session;
    const { file, answer, page } = current();
    dialog.ariaBusy = String(step !== shown?.step);
    if (step === shown?.step) return;
    try {
      const told = await api.karyogram(file, resultOf(session, answer), page, signal);
      if (late()) return;
      shown = { told, ids: kept(step.instances).map(({ id }) => id), step };
      dialog.ariaBusy = "false";
      render(shown);
    } catch (problem) {
      if (late()) return;
      dialog.close();
      showProblem(problem);
    }
  }

  /** @type {(edit: Edit) => void} */
  const change = (edit) => announce(`${session.apply(edit)}.`);

  byId("karyogram-open").addEventListener("click", async () => {
    shown = null;
    rows.replaceChildren();
    count.textContent = "Naming the chromosomes …";
    dialog.showModal();
    await renew();
  });
  dialog.addEventListener("close", () => asking.abort());
  session.addEventListener("change", () => {
    if (dialog.open) renew();
  });
  byId("karyogram-undo").addEventListener("click", () => {
    if (session.canUndo) announce(`Undone: ${session.undo()}.`);
  });
  byId("karyogram-files").addEventListener("click", async ({ target }) => {
    const format = around(target, "button[data-format]")?.getAttribute("data-format");
    if (format && shown) await take(format, shown.told, session, current).catch(showProblem);
  });
  roving(rows, () => all(rows, "button"));
  rows.addEventListener("keydown", (event) => {
    const chosen = placedAt(event.target);
    if (!chosen || event.ctrlKey || event.metaKey || event.altKey) return;
    const edit = edited(session, chosen, event.key.toLowerCase());
    if (edit) change(edit);
  });
  for (const moves of [dragging, tapping]) {
    moves((number, name) => shown && change(place(session.instances, shown.ids[number - 1], name)));
  }
}

/**
 * What a key does to a chromosome, from where a person has put it, which may not be shown yet; null for nothing.
 *
 * @type {(session: Session, chosen: PlacedChromosome, key: string) => Edit | null}
 */
function edited({ instances }, chosen, key) {
  if (!shown) return null;
  const id = shown.ids[chosen.number - 1];
  const own = instances.find((instance) => instance.id === id);
  if (!own) return null; // Undo has taken it away
  const step = STEPS[key];
  const names = shown.told.rows.flat(2);
  const at = (names.indexOf(own.chromosome ?? chosen.name) + (step ?? 0) + names.length) % names.length;
  if (step || key === "a") return place(instances, id, names[at]);
  return key === "t" ? turn(instances, id, !(own.upsideDown ?? chosen.upside_down)) : null;
}

/** @type {(told: (number: number, name: string) => void) => void} */
function dragging(told) {
  rows.addEventListener("dragstart", (event) => {
    const chosen = placedAt(event.target);
    if (chosen) event.dataTransfer?.setData("text/plain", String(chosen.number));
  });
  rows.addEventListener("dragover", (event) => {
    event.stopPropagation(); // it is no picture that is to be cut
    if (around(event.target, ".place")) event.preventDefault(); // it may be dropped here
  });
  rows.addEventListener("drop", (event) => {
    const name = around(event.target, ".place")?.getAttribute("data-name");
    const number = Number(event.dataTransfer?.getData("text/plain"));
    if (!name || !number) return;
    event.preventDefault();
    event.stopPropagation();
    told(number, name);
  });
}

/**
 * A tap takes a chromosome up, the next one puts it into the place that was tapped: a finger cannot drag.
 *
 * @type {(told: (number: number, name: string) => void) => void}
 */
function tapping(told) {
  rows.addEventListener("click", ({ target }) => {
    const [up] = all(rows, "button[aria-pressed=true]");
    const place = around(target, ".place");
    if (up && place && place !== around(up, ".place")) {
      up.ariaPressed = "false";
      return told(Number(up.dataset.number), place.getAttribute("data-name") ?? "");
    }
    const chosen = around(target, "button[data-number]");
    if (up) up.ariaPressed = "false";
    if (chosen && chosen !== up) chosen.ariaPressed = "true";
  });
}

/** @type {(target: EventTarget | null) => PlacedChromosome | null} */
function placedAt(target) {
  const number = Number(around(target, "button[data-number]")?.getAttribute("data-number"));
  return shown?.told.chromosomes.find((each) => each.number === number) ?? null;
}

/** @type {(view: Shown) => void} */
function render({ told, ids }) {
  const focused = placedAt(document.activeElement)?.number ?? told.chromosomes[0]?.number;
  const taken = all(rows, "button[aria-pressed=true]").map((button) => button.dataset.number);
  const doubt = told.unsure ? `; ${told.unsure} in doubt, marked ?` : "";
  count.textContent = `${told.count}${doubt}`;
  rows.replaceChildren(...told.rows.map((groups) => made("div", "row", groups.map((names) => (
    made("div", "group", names.map((name) => placeOf(name, told.chromosomes.filter((each) => each.name === name), ids)))
  )))));
  const buttons = all(rows, "button");
  for (const button of buttons) button.ariaPressed = String(taken.includes(button.dataset.number));
  const chosen = buttons.find((button) => Number(button.dataset.number) === focused);
  tabStop(buttons, chosen);
  chosen?.focus();
}

/** @type {(name: string, own: PlacedChromosome[], ids: number[]) => HTMLElement} */
function placeOf(name, own, ids) {
  const label = made("p", "", []);
  label.textContent = name;
  const found = made("div", "place", [made("div", "strips", own.map((each) => stripOf(each, ids[each.number - 1]))), label]);
  found.dataset.name = name;
  return found;
}

/** @type {(placed: PlacedChromosome, id: number) => HTMLElement} */
function stripOf({ number, name, strip, upside_down, unsure, by_person }, id) {
  const image = document.createElement("img");
  image.src = strip;
  image.alt = "";
  image.draggable = false; // its button is what is dragged
  image.classList.toggle("turned", upside_down);
  const sign = made("span", "sign", []);
  sign.textContent = `${id}${unsure ? " ?" : by_person ? " ✓" : ""}`;
  const button = made("button", `${unsure ? "unsure" : ""}`, [image, sign]);
  button.dataset.number = String(number);
  button.draggable = true;
  button.setAttribute("type", "button");
  const told = unsure ? ", in doubt" : by_person ? ", placed by a person" : "";
  button.setAttribute("aria-label", `Chromosome ${id} of the picture in place ${name}${told}`);
  return button;
}

/** @type {(tag: string, name: string, children: HTMLElement[]) => HTMLElement} */
function made(tag, name, children) {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...children);
  return element;
}

/** @type {(format: string, told: Karyogram, session: Session, current: () => Work) => Promise<void>} */
async function take(format, told, session, current) {
  const { file, answer, page } = current();
  const stem = `${stemOf(file.name)}-karyogram`;
  if (format === "json") {
    const { rows: layout, chromosomes, ...rest } = told;
    const content = { ...rest, chromosomes: chromosomes.map(({ strip, ...each }) => each) };
    return hand(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }), `${stem}.json`);
  }
  return hand(await api.karyogramFile(format, file, resultOf(session, answer), page), `${stem}.${format}`);
}

/** @type {(session: Session, answer: Work["answer"]) => object} */
function resultOf(session, answer) {
  return { ...withoutPictures(answer), annotations: annotationsOf(session.instances, session.size) };
}

one(dialog, "form").addEventListener("submit", () => byId("karyogram-open").focus());
