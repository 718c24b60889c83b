/** Telling a screen reader, and the line under the picture, what has just happened. */

const region = document.getElementById("said");

/** Say a sentence; one that was said before is said again. */
export function announce(sentence) {
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = sentence;
  });
}
