/** The contact sheet: every chromosome alone, largest first. */

import { choosing, idOf, refresh } from "../base/choosing.js";
import { all, byId, copyOf, one } from "../base/elements.js";
import { described, reasons, scored } from "../base/words.js";
import { crossedBy } from "../picture/crossings.js";
import { area } from "../picture/masks.js";
import { drawCrop, scaleFor } from "./crops.js";

/** @import { Mask } from "../picture/masks.js" */
/** @import { Instance } from "../editing/edits.js" */
/** @import { Session } from "../editing/session.js" */

/** @type {Record<string, string | undefined>} */
const SIGNS = { accepted: "✓", rejected: "×" };
const SIDE = 96; // screen px of the largest

const list = byId("sheet");
const template = byId("tile", HTMLTemplateElement);
/** @type {WeakMap<Element, { mask: Mask, scale: number }>} */
const drawn = new WeakMap(); // tile → what its canvas shows

/**
 * Keep the contact sheet like the session.
 *
 * @type {(session: Session) => void}
 */
export function sheet(session) {
  choosing(list, session);
  session.addEventListener("change", () => render(session));
}

/** @type {(session: Session) => void} */
function render(session) {
  const hadFocus = list.contains(document.activeElement);
  const sized = session.instances.map((instance) => ({ instance, size: area(instance.mask) }));
  const scale = scaleFor(session.instances.map(({ mask }) => mask), SIDE);
  const known = new Map(all(list, ".tile").map((tile) => [idOf(tile), tile]));
  const tiles = sized.sort((large, small) => small.size - large.size).map(({ instance, size }) => {
    const tile = known.get(instance.id) ?? newTile(instance.id);
    const label = described(instance, size, crossedBy(instance.id, session.crossings));
    fillTile(tile, instance, label, scale);
    return tile;
  });
  if (tiles.some((tile, index) => tile !== list.children[index]) || tiles.length !== list.children.length) {
    list.replaceChildren(...tiles);
  }
  refresh(list, session, hadFocus);
}

/** @type {(id: number) => HTMLElement} */
function newTile(id) {
  const tile = copyOf(template);
  tile.dataset.id = String(id);
  return tile;
}

/** @type {(tile: HTMLElement, instance: Instance, label: string, scale: number) => void} */
function fillTile(tile, instance, label, scale) {
  tile.setAttribute("aria-label", label);
  const why = reasons(instance);
  tile.className = `tile ${instance.status}${why ? " flagged" : ""}`;
  tile.title = why;
  one(tile, ".name").textContent = String(instance.id);
  one(tile, ".score").textContent = scored(instance);
  one(tile, ".sign").textContent = SIGNS[instance.status] ?? (why ? "?" : "");
  const shown = drawn.get(tile);
  if (shown?.mask === instance.mask && shown.scale === scale) return;
  drawCrop(one(tile, "canvas", HTMLCanvasElement), instance.mask, scale);
  drawn.set(tile, { mask: instance.mask, scale });
}
