/** Beside the picture: how many, which one is chosen, and where to look. */

import { all, around, byId } from "../base/elements.js";
import { countSaid, described, doubtful, listed, LOW_SCORE, names, percent, reasons, scored, verdict } from "../base/words.js";
import { crossedBy } from "../picture/crossings.js";
import { area } from "../picture/masks.js";
import { focusStage } from "../picture/stage.js";
import { kept } from "../editing/edits.js";
import { drawCrop, scaleFor } from "./crops.js";

/** @import { Judged } from "../base/words.js" */
/** @import { Session } from "../editing/session.js" */

const SIDE = 120; // screen px of the chosen one

/**
 * Keep the side panel like the session.
 *
 * @type {(session: Session, expected: number) => void}
 */
export function panel(session, expected) {
  for (const place of all(document, ".low-score")) place.textContent = percent(LOW_SCORE);
  session.addEventListener("change", () => {
    renderCount(kept(session.instances).length, expected, doubtful(session.instances).length);
    renderChosen(session);
    renderLookHere(session);
    byId("pointed").textContent = "";
  });
  session.addEventListener("point", () => {
    const instance = session.find(session.pointed);
    byId("pointed").textContent = instance
      ? described(instance, area(instance.mask), crossedBy(instance.id, session.crossings))
      : "";
  });
  byId("look-here").addEventListener("click", (event) => {
    const id = Number(around(event.target, "button")?.getAttribute("data-id"));
    if (!id) return;
    session.select(id);
    focusStage();
  });
}

/** @type {(count: number, expected: number, left: number) => void} */
function renderCount(count, expected, left) {
  byId("count").textContent = String(count);
  byId("expected").textContent = String(expected);
  byId("count-said").textContent = countSaid(count, expected, left);
  byId("count-card").classList.toggle("off", count !== expected || left > 0);
}

/** @type {(session: Session) => void} */
function renderChosen(session) {
  const chosen = session.selected.flatMap((id) => session.find(id) ?? []);
  const [first] = chosen;
  byId("chosen-name").textContent = chosen.length ? sentence(names(session.selected)) : "No chromosome chosen";
  byId("chosen-hint").hidden = chosen.length > 0;
  byId("chosen").hidden = chosen.length !== 1;
  if (chosen.length !== 1) return;
  const crossed = crossedBy(first.id, session.crossings);
  drawCrop(byId("chosen-crop", HTMLCanvasElement), first.mask, scaleFor([first.mask], SIDE, 4));
  byId("chosen-score").textContent = scored(first);
  byId("chosen-size").textContent = `${area(first.mask)} px`;
  byId("chosen-crosses").textContent = crossed.length ? listed(crossed) : "none";
  byId("chosen-verdict").textContent = verdict(first);
  byId("chosen-flags").textContent = reasons(first) && `Look here: ${reasons(first)}.`;
}

/** @type {(session: Session) => void} */
function renderLookHere({ instances }) {
  const flagged = doubtful(instances);
  byId("look-count").textContent = String(flagged.length);
  byId("look-none").hidden = flagged.length > 0;
  byId("look-here").replaceChildren(...flagged.map(flagButton));
}

/** @type {(instance: Judged) => HTMLElement} */
function flagButton(instance) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.id = String(instance.id);
  const name = document.createElement("strong");
  name.textContent = String(instance.id);
  button.append(name, ` ${reasons(instance)}`);
  item.append(button);
  return item;
}

/** @type {(text: string) => string} */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
