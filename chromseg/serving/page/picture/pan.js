/** Moving an enlarged picture by dragging its ground. */

const box = document.getElementById("stage");

/** Drag what is no chromosome; not while something is drawn. */
export function pan() {
  let last = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("[role=option], #pen.drawing") || !event.target.closest("#frame")) return;
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
