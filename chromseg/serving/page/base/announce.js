/** Telling what happened: to a screen reader, and for a while to the eye. */

import { byId } from "./elements.js";

const SEEN = 6000; // ms

const region = byId("said");
/** @type {number | undefined} */
let hiding;

/**
 * Say a sentence; one that was said before is said again.
 *
 * @param {string} sentence
 * @param {{ seen?: boolean }} how `seen`: false for what the eye has before it already.
 */
export function announce(sentence, { seen = true } = {}) {
  const place = document.querySelector("dialog:modal") ?? document.body;
  if (region.parentElement !== place) place.append(region); // beside an open dialog it is neither heard nor seen
  region.textContent = "";
  clearTimeout(hiding);
  requestAnimationFrame(() => {
    region.textContent = sentence;
    region.classList.toggle("unseen", !seen);
    hiding = setTimeout(() => region.classList.add("unseen"), SEEN);
  });
}
