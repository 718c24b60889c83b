/** How the picture looks: how strong the cuts are over it, its contrast, and whether it is inverted. */

import { announce } from "../base/announce.js";
import { all, byId } from "../base/elements.js";

const KEPT = "chromseg-look"; // in this browser
const frame = byId("frame");
const form = byId("look", HTMLFormElement);
const inverted = byId("invert", HTMLButtonElement);

/** Bring the controls to life; what a person chose stays. */
export function look() {
  /** @type {Record<string, string>} */
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  for (const field of all(form, "input", HTMLInputElement)) field.value = kept[field.name] ?? field.defaultValue;
  invert(kept.invert === "yes");
  form.addEventListener("input", apply);
  inverted.addEventListener("click", () => {
    invert(inverted.getAttribute("aria-pressed") !== "true");
    apply();
  });
  form.addEventListener("reset", () => {
    invert(false);
    setTimeout(apply); // after the fields are reset
    announce("The picture looks as it was taken.");
  });
  apply();
}

/** @type {(yes: boolean) => void} */
function invert(yes) {
  inverted.setAttribute("aria-pressed", String(yes));
}

function apply() {
  const chosen = new FormData(form);
  const isInverted = inverted.getAttribute("aria-pressed") === "true";
  frame.style.setProperty("--cuts", `${Number(chosen.get("cuts")) / 100}`);
  frame.style.setProperty("--contrast", `${chosen.get("contrast")}%`);
  frame.style.setProperty("--invert", isInverted ? "1" : "0");
  localStorage.setItem(KEPT, JSON.stringify({ ...Object.fromEntries(chosen), ...(isInverted && { invert: "yes" }) }));
}
