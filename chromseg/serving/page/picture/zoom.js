/** How large the picture is shown, and which part of it. */

import { byId } from "../base/elements.js";

/** @import { Mask, Point, Size } from "./masks.js" */

const STEP = 1.25;
const LARGEST = 12; // screen pixels for one of the picture
const SHARE = 0.5; // of the view's shorter side that a chromosome takes which is zoomed to
const BORDERS = 2; // px, of the view

const box = byId("stage");
const frame = byId("frame");
const shown = byId("zoom-shown");

/** @type {Size} */
let size = [1, 1]; // of the picture
let zoom = 1;
let fitting = true;

/**
 * Show all of a picture of this size.
 *
 * @type {(newSize?: Size) => void}
 */
export function fit(newSize = size) {
  size = newSize;
  fitting = true;
  apply(smallest());
}

/**
 * Larger (steps > 0) or smaller, around a point of the view, its middle by default.
 *
 * @type {(steps: number, point?: Point) => void}
 */
export function zoomBy(steps, [x, y] = [box.clientWidth / 2, box.clientHeight / 2]) {
  fitting = false;
  const [left, top] = [(box.scrollLeft + x) / zoom, (box.scrollTop + y) / zoom];
  apply(zoom * STEP ** steps);
  box.scrollTo(left * zoom - x, top * zoom - y);
}

/**
 * Bring one mask before the eye.
 *
 * @type {(mask: Mask) => void}
 */
export function zoomTo({ x, y, w, h }) {
  fitting = false;
  apply((SHARE * Math.min(box.clientWidth, box.clientHeight)) / Math.max(w, h));
  showView();
  box.scrollTo((x + w / 2) * zoom - box.clientWidth / 2, (y + h / 2) * zoom - box.clientHeight / 2);
}

/** Scroll the page so that the view is seen, whole where it fits. */
export function showView() {
  box.scrollIntoView({ block: "nearest" });
}

/**
 * Scroll only as far as needed for a point of the picture to be seen.
 *
 * @type {(point: Point, margin?: number) => void}
 */
export function keepInView([x, y], margin = 24) {
  /** @type {(at: number, from: number, length: number) => number} */
  const within = (at, from, length) => Math.min(Math.max(from, at + margin - length), Math.max(0, at - margin));
  box.scrollTo(within(x * zoom, box.scrollLeft, box.clientWidth), within(y * zoom, box.scrollTop, box.clientHeight));
}

/**
 * The point [x, y] of the picture under a pointer, in its pixels.
 *
 * @type {(event: MouseEvent) => Point}
 */
export function toPixel({ clientX, clientY }) {
  const { left, top } = frame.getBoundingClientRect();
  return [(clientX - left) / zoom, (clientY - top) / zoom];
}

/** Screen pixels for one of the picture. */
export function zoomNow() {
  return zoom;
}

function smallest() {
  const [height, width] = size;
  const outer = box.getBoundingClientRect(); // fractions count: half a pixel too much brings scroll bars
  return Math.min((outer.width - BORDERS) / width, (outer.height - BORDERS) / height, LARGEST);
}

/** @type {(wanted: number) => void} */
function apply(wanted) {
  zoom = Math.min(Math.max(wanted, Math.min(smallest(), 1)), LARGEST);
  frame.style.width = `${size[1] * zoom}px`;
  frame.style.height = `${size[0] * zoom}px`;
  frame.style.setProperty("--pixel", `${1 / zoom}px`); // one pixel of the screen, in the picture's
  shown.textContent = `${Math.round(100 * zoom)} %`;
  box.dispatchEvent(new Event("zoom"));
}

new ResizeObserver(() => fitting && size[0] > 1 && apply(smallest())).observe(box);
box.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const { left, top } = box.getBoundingClientRect();
    zoomBy(-Math.sign(event.deltaY), [event.clientX - left, event.clientY - top]);
  },
  { passive: false },
);
