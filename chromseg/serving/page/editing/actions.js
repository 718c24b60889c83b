/** What can be done with a result: the buttons above the picture, and their keys while a chromosome has the focus. */

import { announce } from "../base/announce.js";
import { all, around, byId, one } from "../base/elements.js";
import { roving } from "../base/roving.js";
import { cancelTask, endTask, startTask, taskRuns } from "../base/task.js";
import { doubtful, names } from "../base/words.js";
import { contains } from "../picture/masks.js";
import { placeOfNumber } from "../picture/outline.js";
import { focusStage } from "../picture/stage.js";
import { fit, zoomBy, zoomTo } from "../picture/zoom.js";
import { cut } from "./cut.js";
import * as edits from "./edits.js";
import { draw } from "./pen.js";

/** @import { Point } from "../picture/masks.js" */
/** @import { Edit } from "./edits.js" */
/** @import { Task } from "./pen.js" */
/** @import { Session } from "./session.js" */

/** @type {Record<string, string | undefined>} */
const KEYS = {
  a: "accept", r: "reject", j: "join", s: "split", o: "redraw", Delete: "delete", Backspace: "delete", n: "add",
  f: "next", z: "look", h: "hide", "+": "larger", "=": "larger", "-": "smaller", "*": "fit",
};

const NEED_SOME = ["accept", "reject", "join", "delete", "look"];
const NEED_ONE = ["split", "redraw"];
const VIEW = ["larger", "smaller", "fit"]; // do not end what was begun

/**
 * Bring the buttons and keys to life.
 *
 * @type {(session: Session) => void}
 */
export function actions(session) {
  const work = byId("work");
  const bar = byId("tools");

  /** @type {(edit: Edit) => void} */
  const change = (edit) => announce(`${session.apply(edit)}.`);
  /** @type {(point: Point) => string} */
  const at = ([x, y]) => {
    const hit = session.instances.filter(({ mask }) => contains(mask, Math.floor(x), Math.floor(y)));
    const ids = hit.map(({ id }) => id);
    return ids.length ? `on ${names(ids)}` : "beside the chromosomes";
  };
  /** @type {(id: number) => Point} */
  const middle = (id) => placeOfNumber(session.maskOf(id), () => true);
  /** @type {(what: Omit<Task, "size" | "at">, edit: (points: Point[]) => Edit) => Promise<void>} */
  const draws = async (what, edit) => {
    const points = await draw({ size: session.size, at, ...what });
    focusStage();
    if (points) change(edit(points));
    else announce("Stopped. Nothing was changed.");
  };

  /** @type {Record<string, () => void | Promise<void>>} */
  const acts = {
    accept: () => change(edits.accept(session.instances, session.selected)),
    reject: () => change(edits.reject(session.instances, session.selected)),
    delete: () => change(edits.remove(session.instances, session.selected)),
    undo: () => announce(`Undone: ${lower(session.undo())}.`),
    redo: () => announce(`Done again: ${lower(session.redo())}.`),
    join: () => (session.selected.length > 1 ? change(edits.join(session.instances, session.selected)) : pickPartner()),
    split: () => {
      const [id] = session.selected;
      const mask = session.maskOf(id);
      /** @type {(point: Point) => boolean} */
      const beside = ([x, y]) => !contains(mask, Math.floor(x), Math.floor(y));
      /** @type {(points: Point[]) => boolean} */
      const enough = (points) => points.length > 1 && beside(points[points.length - 1]) && cut(mask, points).length > 1;
      const task = `Draw a line right across chromosome ${id}, where it is to be cut.`;
      return draws({ task, closed: false, start: middle(id), enough }, (points) => edits.split(session.instances, id, points));
    },
    redraw: () => {
      const [id] = session.selected;
      const task = `Draw the outline of chromosome ${id} anew, all around it.`;
      const start = middle(id);
      return draws({ task, closed: true, start }, (points) => edits.redraw(session.instances, id, points, session.size));
    },
    add: () => {
      const [height, width] = session.size;
      /** @type {Point} */
      const start = session.active === null ? [width / 2, height / 2] : middle(session.active);
      const task = "Draw the outline of the missed chromosome, all around it.";
      return draws({ task, closed: true, start }, (points) => edits.add(session.instances, points, session.size));
    },
    next: () => nextFlagged(session),
    look: () => zoomTo(session.maskOf(session.selected[0])),
    larger: () => zoomBy(1),
    smaller: () => zoomBy(-1),
    fit: () => fit(),
    hide: () => {
      const hidden = byId("frame").classList.toggle("bare");
      one(document, "[data-action=hide]").setAttribute("aria-pressed", String(hidden));
      announce(hidden ? "The cuts are hidden." : "The cuts are shown.");
    },
  };

  /** @type {(name: string) => string} */
  const obstacle = (name) => {
    const chosen = session.selected.length;
    if (chosen === 0 && [...NEED_SOME, ...NEED_ONE].includes(name)) return "Choose a chromosome first.";
    if (chosen > 1 && NEED_ONE.includes(name)) return "Choose one chromosome only.";
    if (name === "next" && !doubtful(session.instances).length) return "Nothing is left to look at.";
    if (name === "undo" && !session.canUndo) return "Nothing to undo.";
    if (name === "redo" && !session.canRedo) return "Nothing to do again.";
    return "";
  };

  /** @type {(name: string) => Promise<void>} */
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
    const name = around(event.target, "[data-action]")?.getAttribute("data-action");
    if (name) run(name);
  });
  work.addEventListener("keydown", (event) => {
    const onChromosome = around(event.target, "[role=option]");
    if (event.key === "Escape" && taskRuns()) return cancelTask();
    if (event.key === "Escape" && onChromosome) return session.selectNone();
    const name = event.ctrlKey || event.metaKey ? undoKey(event) : onChromosome && !event.altKey && KEYS[event.key];
    if (!name || isField(event.target)) return;
    event.preventDefault();
    run(name);
  });
  session.addEventListener("change", () => {
    for (const button of all(document, "[data-action]")) {
      button.setAttribute("aria-disabled", String(obstacle(button.dataset.action ?? "") !== ""));
    }
  });
  roving(bar, () => all(bar, "button"));
}

/**
 * Select the next doubtful chromosome after the active one.
 *
 * @type {(session: Session) => void}
 */
function nextFlagged(session) {
  const ids = doubtful(session.instances).map(({ id }) => id);
  const last = session.active ?? 0;
  const id = ids.find((other) => other > last) ?? ids[0];
  session.select(id);
  focusStage();
}

/** @type {(target: EventTarget | null) => boolean} */
function isField(target) {
  return target instanceof Element && target.matches("input, textarea");
}

/** @type {(event: KeyboardEvent) => string | null} */
function undoKey({ key, shiftKey }) {
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key.toLowerCase() === "y" ? "redo" : null;
}

/** @type {(text: string) => string} */
const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
