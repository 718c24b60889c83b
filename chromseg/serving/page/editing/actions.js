/** What can be done with a result: the buttons above the picture, and their keys wherever chromosomes are. */

import { announce } from "../base/announce.js";
import { all, around, byId, one } from "../base/elements.js";
import { roving } from "../base/roving.js";
import { cancelTask, endTask, startTask, taskRuns } from "../base/task.js";
import { doubtful } from "../base/words.js";
import { focusStage } from "../picture/stage.js";
import { fit, zoomBy, zoomTo } from "../picture/zoom.js";
import { bends } from "./bending.js";
import { drawing } from "./drawing.js";
import * as edits from "./edits.js";
import { join } from "./reshaping.js";

/** @import { Partition } from "./drawing.js" */
/** @import { Edit } from "./edits.js" */
/** @import { Session } from "./session.js" */

/** @typedef {Record<string, () => void | Promise<void>>} Acts by name. */

/** @type {Record<string, string | undefined>} */
const KEYS = {
  a: "accept", g: "good", r: "reject", j: "join", s: "split", x: "axes", o: "redraw", p: "points", b: "brush", e: "erase",
  Delete: "delete", Backspace: "delete", n: "add", f: "next", z: "look", h: "hide", "+": "larger", "=": "larger",
  "-": "smaller", "*": "fit", ".": "nextPicture", ",": "previousPicture", d: "done",
};

const NEED_SOME = ["accept", "good", "reject", "join", "delete", "look"];
const NEED_ONE = ["split", "redraw", "points", "brush", "erase"];
const VIEW = ["larger", "smaller", "fit"]; // do not end what was begun
const STEPS = ["undo", "redo"]; // neither, where outlines are bent
const REACH = ".picture-side, #sheet, .look"; // where keys work, unless something is typed

/**
 * Bring the buttons and keys to life. `partition` splits a tangle along axes; a problem of its goes to `failed`; `steps`
 * are more acts by name.
 *
 * @type {(session: Session, partition: Partition, failed: (problem: unknown) => void, steps: Acts) => void}
 */
export function actions(session, partition, failed, steps) {
  const work = byId("work");
  const bar = byId("tools");
  const least = byId("least", HTMLInputElement);

  /** @type {(edit: Edit) => void} */
  const change = (edit) => announce(`${session.apply(edit)}.`);
  const next = () => nextToLookAt(session);

  /** @type {Acts} */
  const acts = {
    ...steps,
    ...drawing(session, change, partition),
    accept: () => change(edits.accept(session.instances, session.selected)),
    good: () => {
      change(edits.accept(session.instances, session.selected));
      if (session.toLookAt) next();
    },
    reject: () => change(edits.reject(session.instances, session.selected)),
    delete: () => change(edits.remove(session.instances, session.selected)),
    small: () => change(edits.removeSmall(session.instances, Number(least.value))),
    undo: () => announce(`Undone: ${lower(session.undo())}.`),
    redo: () => announce(`Done again: ${lower(session.redo())}.`),
    join: () => (session.selected.length > 1 ? change(join(session.instances, session.selected)) : pickPartner()),
    next,
    all: () => {
      session.selectAll(session.instances.map(({ id }) => id));
      announce(`${session.selected.length} chosen.`);
    },
    look: () => zoomTo(session.piece ?? session.maskOf(session.selected[0])),
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
    if (name === "look" && session.piece) return "";
    if (chosen === 0 && [...NEED_SOME, ...NEED_ONE].includes(name)) return "Choose a chromosome first.";
    if (chosen > 1 && NEED_ONE.includes(name)) return "Choose one chromosome only.";
    if (name === "next" && !session.toLookAt) return "Nothing is left to look at.";
    if (name === "undo" && !session.canUndo) return "Nothing to undo.";
    if (name === "redo" && !session.canRedo) return "Nothing to do again.";
    return "";
  };

  /** @type {(name: string) => Promise<void>} */
  async function run(name) {
    if (taskRuns() && !goesOn(name)) cancelTask();
    const why = obstacle(name);
    if (why) return announce(why);
    try {
      return await acts[name]();
    } catch (error) {
      return error instanceof edits.EditError ? announce(error.message) : failed(error);
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
      change(join(session.instances, [first, id]));
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
    const near = around(event.target, REACH);
    if (event.key === "Escape" && taskRuns()) return cancelTask();
    if (event.key === "Escape" && near) return session.selectNone();
    const name = event.ctrlKey || event.metaKey ? withControl(event, near !== null) : near && !event.altKey && KEYS[event.key];
    const draws = around(event.target, "#pen, #handles") !== null;
    if (!name || isField(event.target) || (draws && !goesOn(name))) return;
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
 * Go to what is to be looked at after the selected chromosome or the piece that is looked at, or to the first: doubtful
 * chromosomes, then pieces that belong to none.
 *
 * @type {(session: Session) => void}
 */
function nextToLookAt(session) {
  const { piece, unclaimed } = session;
  const ids = doubtful(session.instances).map(({ id }) => id);
  const last = session.selected.length ? (session.active ?? 0) : 0;
  const later = ids.filter((id) => id > last);
  const after = piece ? unclaimed.slice(unclaimed.indexOf(piece) + 1) : [...later, ...unclaimed];
  const [next] = [...after, ...ids, ...unclaimed];
  if (typeof next !== "number") return session.lookAt(next);
  session.select(next);
  return focusStage();
}

/** @type {(target: EventTarget | null) => boolean} */
function isField(target) {
  return target instanceof Element && target.matches("input, textarea");
}

/**
 * What a key means with Ctrl; some mean it only near the chromosomes.
 *
 * @type {(event: KeyboardEvent, near: boolean) => string | null}
 */
function withControl({ key, shiftKey }, near) {
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  if (key.toLowerCase() === "a") return near ? "all" : null;
  return key.toLowerCase() === "y" ? "redo" : null;
}

/** @type {(name: string) => boolean} */
const goesOn = (name) => VIEW.includes(name) || (STEPS.includes(name) && bends());

/** @type {(text: string) => string} */
const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
