/** What can be done with a result: the buttons above the picture, and their keys while a chromosome has the focus. */

import { announce } from "../base/announce.js";
import { cut } from "./cut.js";
import * as edits from "./edits.js";
import { contains } from "../picture/masks.js";
import { placeOfNumber } from "../picture/outline.js";
import { draw } from "./pen.js";
import { roving } from "../base/roving.js";
import { focusStage } from "../picture/stage.js";
import { cancelTask, endTask, startTask, taskRuns } from "../base/task.js";
import { doubtful, names } from "../base/words.js";
import { fit, zoomBy, zoomTo } from "../picture/zoom.js";

const KEYS = {
  a: "accept", r: "reject", j: "join", s: "split", o: "redraw", Delete: "delete", Backspace: "delete", n: "add",
  f: "next", z: "look", h: "hide", "+": "larger", "=": "larger", "-": "smaller", "*": "fit",
};

const NEED_SOME = ["accept", "reject", "join", "delete", "look"];
const NEED_ONE = ["split", "redraw"];
const VIEW = ["larger", "smaller", "fit"]; // do not end what was begun

/** Bring the buttons and keys to life. */
export function actions(session) {
  const work = document.getElementById("work");
  const bar = document.getElementById("tools");
  const buttonOf = (name) => document.querySelector(`[data-action="${name}"]`);

  const change = (edit) => announce(`${session.apply(edit)}.`);
  const at = ([x, y]) => {
    const hit = session.instances.filter(({ mask }) => contains(mask, Math.floor(x), Math.floor(y)));
    const ids = hit.map(({ id }) => id);
    return ids.length ? `on ${names(ids)}` : "beside the chromosomes";
  };
  const middle = (id) => placeOfNumber(session.find(id).mask, () => true);
  const draws = async (what, edit) => {
    const points = await draw({ size: session.size, at, ...what });
    focusStage();
    if (points) change(edit(points));
    else announce("Stopped. Nothing was changed.");
  };

  const acts = {
    accept: () => change(edits.accept(session.instances, session.selected)),
    reject: () => change(edits.reject(session.instances, session.selected)),
    delete: () => change(edits.remove(session.instances, session.selected)),
    undo: () => announce(`Undone: ${lower(session.undo())}.`),
    redo: () => announce(`Done again: ${lower(session.redo())}.`),
    join: () => (session.selected.length > 1 ? change(edits.join(session.instances, session.selected)) : pickPartner()),
    split: () => {
      const [id] = session.selected;
      const { mask } = session.find(id);
      const beside = (points) => !contains(mask, ...points.at(-1).map(Math.floor));
      const enough = (points) => points.length > 1 && beside(points) && cut(mask, points).length > 1;
      const task = `Draw a line right across chromosome ${id}, where it is to be cut.`;
      const edit = (points) => edits.split(session.instances, id, points);
      return draws({ task, closed: false, start: middle(id), enough }, edit);
    },
    redraw: () => {
      const [id] = session.selected;
      const task = `Draw the outline of chromosome ${id} anew, all around it.`;
      const edit = (points) => edits.redraw(session.instances, id, points, session.size);
      return draws({ task, closed: true, start: middle(id) }, edit);
    },
    add: () => {
      const [height, width] = session.size;
      const start = session.active === null ? [width / 2, height / 2] : middle(session.active);
      const task = "Draw the outline of the missed chromosome, all around it.";
      return draws({ task, closed: true, start }, (points) => edits.add(session.instances, points, session.size));
    },
    next: () => nextFlagged(session),
    look: () => zoomTo(session.find(session.selected[0]).mask),
    larger: () => zoomBy(1),
    smaller: () => zoomBy(-1),
    fit: () => fit(),
    hide: () => {
      const hidden = document.getElementById("frame").classList.toggle("bare");
      buttonOf("hide").setAttribute("aria-pressed", hidden);
      announce(hidden ? "The cuts are hidden." : "The cuts are shown.");
    },
  };

  const obstacle = (name) => {
    const chosen = session.selected.length;
    if (chosen === 0 && [...NEED_SOME, ...NEED_ONE].includes(name)) return "Choose a chromosome first.";
    if (chosen > 1 && NEED_ONE.includes(name)) return "Choose one chromosome only.";
    if (name === "next" && !doubtful(session.instances).length) return "Nothing is left to look at.";
    if (name === "undo" && !session.canUndo) return "Nothing to undo.";
    if (name === "redo" && !session.canRedo) return "Nothing to do again.";
    return "";
  };

  async function run(name) {
    if (taskRuns() && !VIEW.includes(name)) cancelTask();
    const why = obstacle(name);
    if (why) return announce(why);
    try {
      return await acts[name]();
    } catch (error) {
      if (!(error instanceof edits.EditError)) throw error;
      return announce(error.message);
    }
  }

  function pickPartner() {
    const [first] = session.selected;
    const stop = () => {
      session.picker = null;
      work.classList.remove("picking");
      endTask();
    };
    const cancel = () => {
      stop();
      focusStage();
      announce("Stopped. Nothing was changed.");
    };
    session.select(first);
    session.picker = (id) => {
      if (id === first) return;
      stop();
      change(edits.join(session.instances, [first, id]));
    };
    work.classList.add("picking");
    startTask(`Choose the piece that belongs to chromosome ${first}.`, { cancel });
    focusStage();
  }

  work.addEventListener("click", (event) => {
    const name = event.target.closest("[data-action]")?.dataset.action;
    if (name) run(name);
  });
  work.addEventListener("keydown", (event) => {
    const onChromosome = event.target.closest("[role=option]");
    if (event.key === "Escape" && taskRuns()) return cancelTask();
    if (event.key === "Escape" && onChromosome) return session.selectNone();
    const name = event.ctrlKey || event.metaKey ? undoKey(event) : onChromosome && !event.altKey && KEYS[event.key];
    if (!name || event.target.matches("input, textarea")) return;
    event.preventDefault();
    run(name);
  });
  session.addEventListener("change", () => {
    for (const button of document.querySelectorAll("[data-action]")) {
      button.setAttribute("aria-disabled", obstacle(button.dataset.action) !== "");
    }
  });
  roving(bar, () => [...bar.querySelectorAll("button")]);
}

/** Select the next doubtful chromosome after the active one. */
function nextFlagged(session) {
  const ids = doubtful(session.instances).map(({ id }) => id);
  const id = ids.find((other) => other > session.active) ?? ids[0];
  session.select(id);
  focusStage();
}

function undoKey({ key, shiftKey }) {
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key.toLowerCase() === "y" ? "redo" : null;
}

const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
