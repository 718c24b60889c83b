/** Drawing a line or an outline on the picture, by pointer (click points, or drag) or by arrow keys. */

import { announce } from "../base/announce.js";
import { byId, one } from "../base/elements.js";
import { endTask, startTask } from "../base/task.js";
import { keepInView, showView, toPixel, zoomNow } from "../picture/zoom.js";
import { ARROWS, clamp, STEP } from "./arrows.js";

/** @import { Point, Size } from "../picture/masks.js" */

const NEAR = 8; // screen px: as good as on the first point

const HOW =
  "Arrow keys move the cross, Shift moves it finely, Enter sets a point, Enter again ends, " +
  "Backspace takes a point back, Escape stops.";

const pen = byId("pen", SVGSVGElement);
const trace = one(pen, "polyline", SVGPolylineElement);
const earlier = byId("pen-earlier", SVGGElement);
const cross = byId("pen-cross", SVGGElement);

/**
 * What is to be drawn.
 *
 * @typedef {object} Task
 * @property {string} task what to draw, said and shown.
 * @property {boolean} closed an outline rather than a line.
 * @property {Point} start where the keyboard's cross begins.
 * @property {Size} size of the picture.
 * @property {(points: Point[]) => boolean} [enough] whether these points can end it by themselves.
 * @property {number} [least] points that it takes: 3 for an outline, 2 for a line.
 * @property {boolean} [more] one of several: Enter or Finish before the first point ends them, and gives no points.
 * @property {Point[][]} [before] the lines drawn before it, shown.
 * @property {number} [broad] px of the picture, of a line as broad as a brush.
 * @property {(point: Point) => string} at what lies at a point, in words.
 */

/**
 * Let a person draw; the points [[x, y], …], or null if they gave up.
 *
 * @type {(what: Task) => Promise<Point[] | null>}
 */
export function draw(what) {
  const { task, closed, start, size: [height, width], enough = () => false, at, more = false, before = [], broad } = what;
  return new Promise((resolve) => {
    const listening = new AbortController();
    const least = what.least ?? (closed ? 3 : 2);
    /** @type {Point[]} */
    let points = [];
    let cursor = start;
    let pressed = false;
    let byHand = false; // dragged rather than clicked
    let byKeys = false; // the cross was moved
    /** @type {number | undefined} */
    let telling;

    const render = () => {
      const ahead = byHand ? [] : [cursor];
      trace.setAttribute("points", [...points, ...(points.length ? ahead : [])].join(" "));
      trace.classList.toggle("closed", closed);
      cross.setAttribute("transform", `translate(${cursor}) scale(${1 / zoomNow()})`);
    };
    /** @type {(result: Point[] | null) => void} */
    const end = (result) => {
      listening.abort();
      clearTimeout(telling);
      pen.classList.remove("drawing");
      pen.setAttribute("tabindex", "-1");
      trace.setAttribute("points", "");
      earlier.replaceChildren();
      endTask();
      resolve(result);
    };
    const finish = () => {
      if (points.length >= least || (more && !points.length)) end(points);
      else announce(`Set at least ${least} points first.`);
    };
    const back = () => {
      points = points.slice(0, -1);
      byHand = false;
      render();
      announce(`${points.length} points.`);
      pen.focus();
    };
    /** @type {(point: Point) => void} */
    const put = (point) => {
      points = [...points, point];
      render();
    };
    /**
     * @template {keyof SVGElementEventMap} K
     * @param {K} kind
     * @param {(event: SVGElementEventMap[K]) => void} act
     */
    const listen = (kind, act) => pen.addEventListener(kind, act, { signal: listening.signal });

    listen("pointerdown", (event) => {
      if (event.button) return;
      pen.setPointerCapture(event.pointerId);
      cursor = toPixel(event);
      pressed = true;
      if (closed && points.length >= least && distance(cursor, points[0]) * zoomNow() < NEAR) end(points);
      else put(cursor);
    });
    listen("pointermove", (event) => {
      cursor = toPixel(event);
      if (pressed && distance(cursor, points[points.length - 1]) * zoomNow() > 3) {
        byHand = true;
        put(cursor);
      } else render();
    });
    listen("pointerup", () => {
      pressed = false;
      if (byHand && points.length >= least) end(points);
      else if (enough(points)) end(points);
      byHand = false;
    });
    listen("dblclick", finish);
    listen("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (arrow) move(arrow, event.shiftKey ? 1 : STEP);
      else if (event.key === "Enter" || event.key === " ") press();
      else if (event.key === "Backspace" || (event.key === "z" && event.ctrlKey)) back();
      else if (event.key === "Escape") end(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    /** @type {(arrow: Point, step: number) => void} */
    function move([dx, dy], step) {
      byKeys = true;
      cursor = [clamp(cursor[0] + dx * step, width), clamp(cursor[1] + dy * step, height)];
      keepInView(cursor);
      render();
      clearTimeout(telling);
      telling = setTimeout(() => announce(`${cursor.map(Math.round).join(", ")}, ${at(cursor)}`), 300);
    }

    function press() {
      if (String(points.at(-1)) === String(cursor) || (more && !points.length && !byKeys)) return finish();
      put(cursor);
      announce(`Point ${points.length} at ${cursor.map(Math.round).join(", ")}.`);
      return enough(points) && end(points);
    }

    startTask(task, { finish, back, cancel: () => end(null) });
    pen.classList.add("drawing");
    pen.classList.toggle("broad", broad !== undefined);
    pen.style.setProperty("--broad", `${broad ?? 0}px`);
    earlier.replaceChildren(...before.map(line));
    pen.setAttribute("tabindex", "0");
    pen.setAttribute("aria-label", `${task} ${HOW}`);
    render();
    showView();
    pen.focus({ preventScroll: true });
  });
}

/** @type {(points: Point[]) => SVGElement} */
function line(points) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  drawn.setAttribute("points", points.join(" "));
  return drawn;
}

/** @type {(from: Point, to: Point) => number} */
const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);
