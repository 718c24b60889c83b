/** Telling what happened: to a screen reader, and for a while to the eye. */

const SEEN = 6000; // ms

const region = document.getElementById("said");
let hiding;

/**
 * Say a sentence; one that was said before is said again.
 *
 * @param how.seen false for what the eye has before it already.
 */
export function announce(sentence, { seen = true } = {}) {
  region.textContent = "";
  clearTimeout(hiding);
  requestAnimationFrame(() => {
    region.textContent = sentence;
    region.classList.toggle("unseen", !seen);
    hiding = setTimeout(() => region.classList.add("unseen"), SEEN);
  });
}
