/** One tab stop for many things: arrow keys walk among them (WAI-ARIA "roving tabindex"). */

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

/** Walk among `items()` of a container; `moved(item, event)` is told of each step. */
export function roving(container, items, moved = () => {}) {
  container.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const all = items();
    const at = all.indexOf(document.activeElement);
    if (step === undefined || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    tabStop(all, next);
    next.focus();
    moved(next, event);
  });
  container.addEventListener("focusin", (event) => {
    const all = items();
    if (all.includes(event.target)) tabStop(all, event.target);
  });
}

/** Let Tab go to one of the items only. */
export function tabStop(items, chosen) {
  for (const item of items) item.setAttribute("tabindex", item === chosen ? "0" : "-1");
}
