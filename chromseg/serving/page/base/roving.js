/** One tab stop for many things: arrow keys walk among them (WAI-ARIA "roving tabindex"). */

/** @import { Item } from "./elements.js" */

/** @type {Record<string, number | undefined>} */
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

/**
 * Walk among `items()` of a container; `moved(item, event)` is told of each step.
 *
 * @param {GlobalEventHandlers} container
 * @param {() => Item[]} items
 * @param {(item: Item, event: KeyboardEvent) => void} moved
 */
export function roving(container, items, moved = () => {}) {
  container.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const all = items();
    const at = all.findIndex((item) => item === document.activeElement);
    if (step === undefined || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    tabStop(all, next);
    next.focus();
    moved(next, event);
  });
  container.addEventListener("focusin", (event) => {
    const all = items();
    const chosen = all.find((item) => item === event.target);
    if (chosen) tabStop(all, chosen);
  });
}

/**
 * Let Tab go to one of the items only.
 *
 * @type {(items: Item[], chosen: Item | undefined) => void}
 */
export function tabStop(items, chosen) {
  for (const item of items) item.setAttribute("tabindex", item === chosen ? "0" : "-1");
}
