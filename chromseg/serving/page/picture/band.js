/** Choosing several at once: a rectangle drawn over the ground takes all chromosomes that lie inside it. */

import { announce } from "../base/announce.js";
import { around, byId } from "../base/elements.js";
import { toPixel, zoomNow } from "./zoom.js";

/** @import { Mask, Point } from "./masks.js" */
/** @import { View } from "./stage.js" */

const FIRST = 4; // screen px that a pointer moves before it draws: a click trembles

const box = byId("stage");
const drawn = byId("band", SVGRectElement);

/**
 * Let a person draw it; with Shift or Ctrl it adds to what is chosen. A finger moves the picture, as it does everywhere.
 *
 * @type {(session: View) => void}
 */
export function band(session) {
  /** @type {Point | null} */
  let from = null;
  box.addEventListener("pointerdown", (event) => {
    const plain = event.button === 0 && !event.altKey && event.pointerType !== "touch";
    if (!plain || session.picker || !isGround(event.target)) return;
    from = toPixel(event);
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (from && (!drawn.hasAttribute("hidden") || far(from, toPixel(event)))) show(between(from, toPixel(event)));
  });
  box.addEventListener("pointerup", (event) => {
    if (from && !drawn.hasAttribute("hidden")) take(between(from, toPixel(event)), event);
    stop();
  });
  box.addEventListener("pointercancel", stop);

  /** @type {(area: Area, keys: MouseEvent) => void} */
  function take(area, { shiftKey, ctrlKey, metaKey }) {
    session.selectAll(
      session.instances.filter(({ mask }) => isInside(mask, area)).map(({ id }) => id),
      shiftKey || ctrlKey || metaKey,
    );
    announce(`${session.selected.length} chosen.`);
  }

  function stop() {
    from = null;
    drawn.setAttribute("hidden", "");
  }
}

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Area Of the picture, in its pixels. */

/** @type {(one: Point, other: Point) => Area} */
const between = ([x0, y0], [x1, y1]) => ({
  left: Math.min(x0, x1),
  top: Math.min(y0, y1),
  right: Math.max(x0, x1),
  bottom: Math.max(y0, y1),
});

/** @type {(area: Area) => void} */
function show({ left, top, right, bottom }) {
  const sides = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(sides)) drawn.setAttribute(name, String(value));
  drawn.removeAttribute("hidden");
}

/** @type {(mask: Mask, area: Area) => boolean} */
const isInside = ({ x, y, w, h }, { left, top, right, bottom }) =>
  x >= left && y >= top && x + w <= right && y + h <= bottom;

/** @type {(target: EventTarget | null) => boolean} */
const isGround = (target) => around(target, "#frame") !== null && around(target, "[role=option], .drawing") === null;

/** @type {(one: Point, other: Point) => boolean} */
const far = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0) * zoomNow() >= FIRST;
