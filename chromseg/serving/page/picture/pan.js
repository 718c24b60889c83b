/** Moving an enlarged picture with the middle button, or with Alt; a finger, a wheel and the bars move it anyway. */

import { around, byId } from "../base/elements.js";

const box = byId("stage");

/** Drag the picture, also while something is drawn. */
export function pan() {
  /** @type {PointerEvent | null} */
  let last = null;
  box.addEventListener(
    "pointerdown",
    (event) => {
      const moves = event.button === 1 || (event.button === 0 && event.altKey);
      if (!moves || !around(event.target, "#frame")) return;
      event.preventDefault(); // no scrolling by itself, which the middle button begins
      event.stopPropagation(); // nor a point of what is drawn
      last = event;
      box.setPointerCapture(event.pointerId);
    },
    { capture: true },
  );
  box.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
  box.addEventListener("pointermove", (event) => {
    if (!last) return;
    box.scrollBy(last.clientX - event.clientX, last.clientY - event.clientY);
    last = event;
  });
  for (const kind of ["pointerup", "pointercancel"]) box.addEventListener(kind, () => (last = null));
}
