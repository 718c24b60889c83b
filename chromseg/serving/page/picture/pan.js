/** Moving an enlarged picture by dragging its ground. */

import { around, byId } from "../base/elements.js";

const box = byId("stage");

/** Drag what is no chromosome; not while something is drawn. */
export function pan() {
  /** @type {PointerEvent | null} */
  let last = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.button || around(event.target, "[role=option], #pen.drawing") || !around(event.target, "#frame")) return;
    last = event;
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (!last) return;
    box.scrollBy(last.clientX - event.clientX, last.clientY - event.clientY);
    last = event;
  });
  for (const kind of ["pointerup", "pointercancel"]) box.addEventListener(kind, () => (last = null));
}
