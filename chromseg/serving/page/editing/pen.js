/** Drawing a line or an outline on the picture, by pointer (click points, or drag) or by arrow keys. */

import { announce } from "../base/announce.js";
import { endTask, startTask } from "../base/task.js";
import { keepInView, showView, toPixel, zoomNow } from "../picture/zoom.js";

const STEP = 5; // px of the picture that an arrow key moves; with Shift 1
const NEAR = 8; // screen px: as good as on the first point
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const HOW =
  "Arrow keys move the cross, Shift moves it finely, Enter sets a point, Enter again ends, " +
  "Backspace takes a point back, Escape stops.";

const pen = document.getElementById("pen");
const trace = pen.querySelector("polyline");
const cross = pen.querySelector("g");

/**
 * Let a person draw; the points [[x, y], …], or null if they gave up.
 *
 * @param what.task what to draw, said and shown.
 * @param what.closed an outline rather than a line.
 * @param what.start where the keyboard's cross begins.
 * @param what.size [height, width] of the picture.
 * @param what.enough whether these points can end it by themselves.
 * @param what.at what lies at a point, in words.
 */
export function draw({ task, closed, start, size: [height, width], enough = () => false, at }) {
  return new Promise((resolve) => {
    const listening = new AbortController();
    const least = closed ? 3 : 2;
    let points = [];
    let cursor = start;
    let pressed = false;
    let byHand = false; // dragged rather than clicked
    let telling;

    const render = () => {
      const ahead = byHand ? [] : [cursor];
      trace.setAttribute("points", [...points, ...(points.length ? ahead : [])].join(" "));
      trace.classList.toggle("closed", closed);
      cross.setAttribute("transform", `translate(${cursor}) scale(${1 / zoomNow()})`);
    };
    const end = (result) => {
      listening.abort();
      clearTimeout(telling);
      pen.classList.remove("drawing");
      pen.setAttribute("tabindex", "-1");
      trace.setAttribute("points", "");
      endTask();
      resolve(result);
    };
    const finish = () => {
      if (points.length >= least) end(points);
      else announce(`Set at least ${least} points first.`);
    };
    const back = () => {
      points = points.slice(0, -1);
      byHand = false;
      render();
      announce(`${points.length} points.`);
      pen.focus();
    };
    const put = (point) => {
      points = [...points, point];
      render();
    };
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
      if (pressed && distance(cursor, points.at(-1)) * zoomNow() > 3) {
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
      if (ARROWS[event.key]) move(ARROWS[event.key], event.shiftKey ? 1 : STEP);
      else if (event.key === "Enter" || event.key === " ") press();
      else if (event.key === "Backspace" || (event.key === "z" && event.ctrlKey)) back();
      else if (event.key === "Escape") end(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function move([dx, dy], step) {
      cursor = [clamp(cursor[0] + dx * step, width), clamp(cursor[1] + dy * step, height)];
      keepInView(cursor);
      render();
      clearTimeout(telling);
      telling = setTimeout(() => announce(`${cursor.map(Math.round).join(", ")}, ${at(cursor)}`), 300);
    }

    function press() {
      if (String(points.at(-1)) === String(cursor)) return finish();
      put(cursor);
      announce(`Point ${points.length} at ${cursor.map(Math.round).join(", ")}.`);
      return enough(points) && end(points);
    }

    startTask(task, { finish, back, cancel: () => end(null) });
    pen.classList.add("drawing");
    pen.setAttribute("tabindex", "0");
    pen.setAttribute("aria-label", `${task} ${HOW}`);
    render();
    showView();
    pen.focus({ preventScroll: true });
  });
}

const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);
const clamp = (value, most) => Math.min(Math.max(value, 0), most);
