/** Beside the picture: how many, which one is chosen, and where to look. */

import { announce } from "../base/announce.js";
import { all, around, byId, one } from "../base/elements.js";
import { cancelTask } from "../base/task.js";
import { countSaid, described, doubtful, listed, LOW_SCORE, names, percent, reasons, scored, verdict } from "../base/words.js";
import { crossedBy } from "../picture/crossings.js";
import { area } from "../picture/masks.js";
import { focusStage } from "../picture/stage.js";
import { showView } from "../picture/zoom.js";
import { kept } from "../editing/edits.js";
import { take } from "../editing/reshaping.js";
import { drawCrop, scaleFor } from "./crops.js";

/** @import { Judged } from "../base/words.js" */
/** @import { Session } from "../editing/session.js" */
/** @import { Mask } from "../picture/masks.js" */

const SIDE = 120; // screen px of the chosen one
const list = byId("look-here");

/**
 * Keep the side panel like the session.
 *
 * @type {(session: Session, expected: number) => void}
 */
export function panel(session, expected) {
  for (const place of all(document, ".low-score")) place.textContent = percent(LOW_SCORE);
  session.addEventListener("change", () => {
    renderCount(kept(session.instances).length, expected, session.toLookAt);
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
  session.addEventListener("piece", () => focusPiece(session));
  list.addEventListener("click", (event) => {
    const id = Number(around(event.target, "button")?.getAttribute("data-id"));
    if (!id) return;
    session.select(id);
    focusStage();
    showView(); // on a narrow screen it is far above the list
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
function renderLookHere(session) {
  const { instances, unclaimed } = session;
  const hadFocus = list.contains(document.activeElement);
  byId("look-count").textContent = String(session.toLookAt);
  byId("look-none").hidden = session.toLookAt > 0;
  const pieces = unclaimed.map((piece, index) => pieceItem(session, piece, index));
  list.replaceChildren(...doubtful(instances).map(flagItem), ...pieces);
  if (hadFocus) focusPiece(session);
}

/**
 * The focus to the piece that is looked at; to the picture, if none is.
 *
 * @type {(session: Session) => void}
 */
function focusPiece({ piece }) {
  if (piece) one(list, "[aria-current] + button").focus();
  else focusStage();
}

/** @type {(instance: Judged) => HTMLElement} */
function flagItem(instance) {
  const button = newButton();
  button.dataset.id = String(instance.id);
  const name = document.createElement("strong");
  name.textContent = String(instance.id);
  button.append(name, ` ${reasons(instance)}`);
  return itemOf(button);
}

/** @type {(session: Session, piece: Mask, index: number) => HTMLElement} */
function pieceItem(session, piece, index) {
  const look = newButton(`A piece of ${area(piece)} px that belongs to no chromosome`);
  look.id = `piece-${index}`;
  if (piece === session.piece) look.setAttribute("aria-current", "true");
  look.addEventListener("click", () => {
    cancelTask();
    session.lookAt(piece);
    showView();
  });
  const taken = newButton("Take it as a chromosome");
  taken.setAttribute("aria-describedby", look.id);
  taken.addEventListener("click", () => {
    cancelTask();
    announce(`${session.apply(take(session.instances, piece))}.`);
    focusStage();
  });
  return itemOf(look, taken);
}

/** @type {(text?: string) => HTMLButtonElement} */
function newButton(text = "") {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  return button;
}

/** @type {(...buttons: HTMLElement[]) => HTMLElement} */
function itemOf(...buttons) {
  const item = document.createElement("li");
  item.append(...buttons);
  return item;
}

/** @type {(text: string) => string} */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
