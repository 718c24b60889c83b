/** The contact sheet: every chromosome alone, largest first. */

import { choosing, idOf, refresh } from "../base/choosing.js";
import { crossedBy } from "../picture/crossings.js";
import { drawCrop, scaleFor } from "./crops.js";
import { area } from "../picture/masks.js";
import { described, reasons, scored } from "../base/words.js";

const SIGNS = { accepted: "✓", rejected: "×" };
const SIDE = 96; // screen px of the largest

const list = document.getElementById("sheet");
const template = document.getElementById("tile");
const drawn = new WeakMap(); // tile → what its canvas shows

/** Keep the contact sheet like the session. */
export function sheet(session) {
  choosing(list, session);
  session.addEventListener("change", () => render(session));
}

function render(session) {
  const hadFocus = list.contains(document.activeElement);
  const sizes = new Map(session.instances.map(({ id, mask }) => [id, area(mask)]));
  const bySize = [...session.instances].sort((one, other) => sizes.get(other.id) - sizes.get(one.id));
  const scale = scaleFor(session.instances.map(({ mask }) => mask), SIDE);
  const known = new Map([...list.children].map((tile) => [idOf(tile), tile]));
  const tiles = bySize.map((instance) => {
    const tile = known.get(instance.id) ?? newTile(instance.id);
    const label = described(instance, sizes.get(instance.id), crossedBy(instance.id, session.crossings));
    fillTile(tile, instance, label, scale);
    return tile;
  });
  if (tiles.some((tile, index) => tile !== list.children[index]) || tiles.length !== list.children.length) {
    list.replaceChildren(...tiles);
  }
  refresh(list, session, hadFocus);
}

function newTile(id) {
  const tile = template.content.firstElementChild.cloneNode(true);
  tile.dataset.id = id;
  return tile;
}

function fillTile(tile, instance, label, scale) {
  tile.setAttribute("aria-label", label);
  const why = reasons(instance);
  tile.className = `tile ${instance.status}${why ? " flagged" : ""}`;
  tile.title = why;
  tile.querySelector(".name").textContent = instance.id;
  tile.querySelector(".score").textContent = scored(instance);
  tile.querySelector(".sign").textContent = SIGNS[instance.status] ?? (why ? "?" : "");
  const shown = drawn.get(tile);
  if (shown?.mask === instance.mask && shown.scale === scale) return;
  drawCrop(tile.querySelector("canvas"), instance.mask, scale);
  drawn.set(tile, { mask: instance.mask, scale });
}
