/** The picture with every chromosome over it: outlined, numbered; crossings and what is to be looked at framed. */

import { choosing, idOf, refresh } from "../base/choosing.js";
import { all, byId, isItem, one } from "../base/elements.js";
import { described, doubtful, reasons } from "../base/words.js";
import { coloursOf } from "./colours.js";
import { crossedBy } from "./crossings.js";
import { area, contains } from "./masks.js";
import { placeNumbers, placeOfNumber } from "./numbers.js";
import { pathOf } from "./outline.js";
import { keepInView, toPixel, zoomNow } from "./zoom.js";

/** @import { Choice } from "../base/choosing.js" */
/** @import { Judged } from "../base/words.js" */
/** @import { Crossing } from "./crossings.js" */
/** @import { Mask, Point, Size } from "./masks.js" */

/** @typedef {Judged & { mask: Mask }} Seen A chromosome in the picture. */
/**
 * @typedef {Choice & {
 *   instances: Seen[], crossings: Crossing[], unclaimed: Mask[], piece: Mask | null,
 *   find(id: number): Seen | undefined, selectAll(ids: number[], adding?: boolean): void,
 * }} View
 */
/** @typedef {Record<string, string | number>} Attributes */

const cuts = byId("cuts", SVGSVGElement);
const marks = byId("marks", SVGSVGElement);
const picture = byId("picture", HTMLImageElement);
const box = byId("stage");

/**
 * Keep the picture's overlay like the session.
 *
 * @type {(session: View) => void}
 */
export function stage(session) {
  choosing(cuts, session, (event) => under(session, toPixel(event)));
  session.addEventListener("point", () => {
    for (const text of marks.querySelectorAll("text")) text.classList.toggle("pointed", idOf(text) === session.pointed);
  });
  box.addEventListener("zoom", () => renderMarks(session));
  /** @type {number | null | undefined} */
  let selected = null;
  session.addEventListener("change", () => {
    render(session);
    if (session.selected[0] !== selected) seek(session.find(session.selected[0])?.mask);
    selected = session.selected[0];
  });
  session.addEventListener("piece", () => seek(session.piece));
}

/**
 * Show another picture.
 *
 * @type {(url: string, size: Size) => void}
 */
export function showPicture(url, [height, width]) {
  picture.src = url;
  box.style.setProperty("--sides", `${width} / ${height}`);
  for (const svg of all(document, "#frame svg", SVGSVGElement)) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

/** The focus to the picture. */
export function focusStage() {
  const option = cuts.querySelector('[tabindex="0"]');
  (isItem(option) ? option : box).focus({ preventScroll: true });
}

/**
 * The chromosome at a pixel; where several lie over one another, the one after the selected.
 *
 * @type {(session: View, point: Point) => number | null}
 */
function under({ instances, selected }, [x, y]) {
  const hit = instances.filter(({ mask }) => contains(mask, Math.floor(x), Math.floor(y))).map(({ id }) => id);
  return hit[(hit.indexOf(selected[selected.length - 1]) + 1) % hit.length] ?? null;
}

/** @type {(mask: Mask | null | undefined) => void} */
function seek(mask) {
  if (mask) keepInView(placeOfNumber(mask, () => true), 60);
}

/** @type {(session: View) => void} */
function render(session) {
  const { instances, crossings } = session;
  const hadFocus = cuts.contains(document.activeElement);
  const colours = coloursOf(instances);
  const known = new Map([...cuts.children].map((path) => [idOf(path), path]));
  const paths = instances.map((instance) => {
    const path = known.get(instance.id) ?? make("path", { role: "option", "data-id": instance.id });
    const label = described(instance, area(instance.mask), crossedBy(instance.id, crossings));
    const colour = colours.get(instance.id) ?? "none";
    set(path, { d: pathOf(instance.mask), fill: colour, stroke: colour, class: instance.status, "aria-label": label });
    return path;
  });
  if (paths.some((path, index) => path !== cuts.children[index]) || paths.length !== cuts.children.length) {
    cuts.replaceChildren(...paths);
  }
  refresh(cuts, session, hadFocus);
  renderMarks(session);
}

/** @type {(session: View) => void} */
function renderMarks({ instances, crossings, unclaimed, piece, selected }) {
  const chosen = instances.filter(({ id }) => selected.includes(id)).map(({ mask }) => mask);
  if (piece) chosen.push(piece);
  const shared = crossings.flatMap(({ mask }) =>
    ["edge", "crossing"].map((kind) => make("path", { d: pathOf(mask), class: kind })),
  );
  /** @type {(kind: string) => SVGElement[]} */
  const ring = (kind) => chosen.map((mask) => make("path", { d: pathOf(mask), class: kind }));
  const doubts = doubtful(instances).map(({ mask }) => frame(mask, "doubt"));
  const frames = [...doubts, ...unclaimed.map((mask) => frame(mask, "unclaimed"))];
  const texts = instances.map((instance) => ({ ...instance, text: `${instance.id}${sign(instance)}` }));
  const places = placeNumbers(texts, crossings, 1 / zoomNow());
  const numbers = texts.map((instance) => number(instance, places.get(instance.id) ?? [0, 0]));
  one(marks, "g", SVGGElement).replaceChildren(...shared, ...ring("halo"), ...ring("ring"), ...frames, ...numbers);
}

/** @type {(mask: Mask, kind: string) => SVGElement} */
function frame({ x, y, w, h }, kind) {
  return make("rect", { x: x - 2, y: y - 2, width: w + 4, height: h + 4, rx: 2, class: kind });
}

/** @type {(instance: Seen & { text: string }, place: Point) => SVGElement} */
function number({ id, status, text }, [x, y]) {
  const made = make("text", { x, y, class: status, "data-id": id });
  made.textContent = text;
  return made;
}

/** @type {(instance: Seen) => string} */
function sign(instance) {
  if (instance.status === "rejected") return "×";
  return reasons(instance) ? "?" : "";
}

/** @type {(name: string, attributes: Attributes) => SVGElement} */
function make(name, attributes) {
  return set(document.createElementNS("http://www.w3.org/2000/svg", name), attributes);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
