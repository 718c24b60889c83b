/** Changing an outline by its points: each can be dragged or moved by arrow keys, taken out, or followed by another. */

import { announce } from "../base/announce.js";
import { byId, one } from "../base/elements.js";
import { endTask, startTask } from "../base/task.js";
import { showView, toPixel, zoomNow, zoomTo } from "../picture/zoom.js";
import { ARROWS, clamp, STEP } from "./arrows.js";
import { cornersOf, madeOf, middles, replaced } from "./corners.js";
import { EditError, known } from "./edits.js";
import { bend, divide } from "./reshaping.js";

/** @import { Point } from "../picture/masks.js" */
/** @import { Corners } from "./corners.js" */
/** @import { Edit } from "./edits.js" */
/** @import { Session, Step } from "./session.js" */

const NEAR = 3; // screen px for one of the picture, below which it is brought nearer: points would lie on one another
const FIRST = 3; // screen px that a pointer moves before the point does

const HOW =
  "Tab goes from point to point, arrow keys move one, Shift moves it finely, N puts another after it, " +
  "Delete takes it out, Enter ends.";

const layer = byId("handles", SVGSVGElement);
const trace = one(layer, "path", SVGPathElement);
const points = byId("handles-points", SVGGElement);
const between = byId("handles-between", SVGGElement);
const steps = byId("task-steps");

/** Whether an outline is at work: undoing a step of it does not end that. */
export function bends() {
  return !steps.hidden;
}

/**
 * Let a person change the outline of one; every move is an edit. Ends when they say so, or when there is no such chromosome.
 *
 * @type {(session: Session, id: number, change: (edit: Edit) => void) => Promise<void>}
 */
export function bending(session, id, change) {
  return new Promise((resolve) => {
    const listening = new AbortController();
    /** @type {{ place: number, isNew: boolean, from: Point, to: Point | null } | null} */
    let held = null; // by the pointer
    let pressed = -1; // the place of the point that was pressed last
    /** @type {{ place: number, before: Corners, step: Step } | null} */
    let walking = null; // the point that arrow keys move: one step, however often they are pressed

    const corners = () => cornersOf(session.maskOf(id));

    /** @type {(before: Corners, after: Corners, said: string) => void} */
    const put = (before, after, said) => {
      const edit = { ...bend(session.instances, id, before, after, session.size), said: `${said} of chromosome ${id}` };
      madeOf(known(edit.instances, id).mask, after);
      change(edit);
    };
    /** @type {(place: number, point: Point, others: Point[]) => void} */
    const divided = (place, point, others) => {
      const edit = divide(session.instances, id);
      madeOf(known(edit.instances, id).mask, replaced(corners(), place, [point, ...others]));
      change(edit);
      focus(place + 1);
    };
    /** @type {(place: number) => void} */
    const takeOut = (place) => {
      put(corners(), replaced(corners(), place, []), `Took out point ${place + 1}`);
      focus(Math.min(place, corners().flat().length - 1));
    };
    /** @type {(place: number, arrow: Point, step: number) => void} */
    const walk = (place, [dx, dy], step) => {
      const [height, width] = session.size;
      const [x, y] = corners().flat()[place];
      const goesOn = walking && walking.place === place && walking.step === session.step;
      const before = goesOn && walking ? walking.before : corners();
      if (goesOn) session.undo();
      const to = /** @type {Point} */ ([clamp(x + dx * step, width), clamp(y + dy * step, height)]);
      put(before, replaced(before, place, [to]), `Moved point ${place + 1}`);
      walking = { place, before, step: session.step };
    };

    const render = () => {
      if (!session.find(id)) return end();
      const shown = held?.to ? withHeld() : corners();
      trace.setAttribute("d", shown.map((ring) => `M${ring.join("L")}Z`).join(""));
      keep(between, middles(shown), "");
      keep(points, shown.flat(), `of ${shown.flat().length}`);
    };
    /** The corners with the one that the pointer holds where it is. */
    const withHeld = () => {
      const { place, isNew, from, to } = /** @type {NonNullable<typeof held>} */ (held);
      const [point] = corners().flat().slice(place);
      return replaced(corners(), place, isNew ? [point, to ?? from] : [to ?? from]);
    };
    const end = () => {
      listening.abort();
      session.removeEventListener("change", render);
      layer.classList.remove("drawing");
      steps.hidden = true;
      endTask();
      resolve();
    };
    /**
     * Listen; what cannot be done is said.
     *
     * @template {keyof SVGElementEventMap} K
     * @param {K} kind
     * @param {(event: SVGElementEventMap[K]) => void} act
     */
    const listen = (kind, act) => {
      /** @type {(event: SVGElementEventMap[K]) => void} */
      const tried = (event) => {
        try {
          act(event);
        } catch (error) {
          if (!(error instanceof EditError)) throw error;
          render();
          announce(error.message);
        }
      };
      layer.addEventListener(kind, tried, { signal: listening.signal });
    };

    listen("pointerdown", (event) => {
      const place = placeOf(event.target);
      if (event.button || place < 0) return;
      const isNew = between.contains(/** @type {Node} */ (event.target));
      held = { place, isNew, from: toPixel(event), to: null };
      pressed = isNew ? -1 : place;
      layer.setPointerCapture(event.pointerId);
    });
    listen("pointermove", (event) => {
      if (!held) return;
      const [x, y] = toPixel(event);
      const away = Math.hypot(x - held.from[0], y - held.from[1]) * zoomNow();
      const [height, width] = session.size;
      if (held.to || away >= FIRST) held.to = [clamp(x, width), clamp(y, height)];
      render();
    });
    listen("pointerup", () => {
      if (!held) return;
      const [{ place, isNew, to }, after] = [held, withHeld()];
      held = null;
      if (!to) return;
      put(corners(), after, isNew ? `Added point ${place + 2}` : `Moved point ${place + 1}`);
      focus(isNew ? place + 1 : place);
    });
    listen("pointercancel", () => {
      held = null;
      render();
    });
    listen("dblclick", () => pressed >= 0 && takeOut(pressed));
    listen("keydown", (event) => {
      const place = placeOf(event.target);
      const arrow = ARROWS[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === "Escape") end();
      else if (place < 0) return;
      else if (arrow) walk(place, arrow, event.shiftKey ? 1 : STEP);
      else if (event.key === "Delete" || event.key === "Backspace") takeOut(place);
      else if (event.key === "n" || event.key === "Insert") divided(place, corners().flat()[place], [middles(corners())[place]]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    session.addEventListener("change", render);
    const task = `Drag the points of chromosome ${id}, or a dot between two; a double click takes a point out.`;
    startTask(task, { finish: end, cancel: end });
    steps.hidden = false;
    layer.classList.add("drawing");
    layer.setAttribute("aria-label", `Points of chromosome ${id}. ${HOW}`);
    render();
    if (zoomNow() < NEAR) zoomTo(session.maskOf(id));
    showView();
    focus(0);
  });
}

/**
 * Keep the circles of a group like these points, without losing the focus.
 *
 * @type {(group: SVGGElement, shown: Point[], of: string) => void}
 */
function keep(group, shown, of) {
  while (group.children.length > shown.length) group.lastElementChild?.remove();
  shown.forEach(([x, y], place) => {
    const circle = group.children[place] ?? group.appendChild(document.createElementNS(layer.namespaceURI, "circle"));
    circle.setAttribute("cx", String(x));
    circle.setAttribute("cy", String(y));
    circle.setAttribute("data-place", String(place));
    if (!of) return;
    circle.setAttribute("role", "button");
    circle.setAttribute("tabindex", "0");
    circle.setAttribute("aria-label", `Point ${place + 1} ${of}, at ${Math.round(x)}, ${Math.round(y)}`);
  });
}

/** @type {(place: number) => void} */
function focus(place) {
  const circle = points.children[place];
  if (circle instanceof SVGElement) circle.focus({ preventScroll: true });
}

/** @type {(target: EventTarget | null) => number} */
function placeOf(target) {
  return target instanceof SVGCircleElement ? Number(target.dataset.place) : -1;
}
