/** The picture with every chromosome over it: outlined, numbered, crossings striped, doubtful ones framed. */

import { choosing, idOf, refresh } from "../base/choosing.js";
import { all, byId, isItem, one } from "../base/elements.js";
import { described, doubtful, reasons } from "../base/words.js";
import { coloursOf } from "./colours.js";
import { crossedBy } from "./crossings.js";
import { area, contains } from "./masks.js";
import { pathOf, placeOfNumber } from "./outline.js";
import { keepInView, toPixel } from "./zoom.js";

/** @import { Choice } from "../base/choosing.js" */
/** @import { Judged } from "../base/words.js" */
/** @import { Crossing } from "./crossings.js" */
/** @import { Mask, Point, Size } from "./masks.js" */

/** @typedef {Judged & { mask: Mask }} Seen A chromosome in the picture. */
/** @typedef {Choice & { instances: Seen[], crossings: Crossing[], find(id: number): Seen | undefined }} View */
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
  /** @type {number | null | undefined} */
  let selected = null;
  session.addEventListener("change", () => {
    render(session);
    if (session.selected[0] !== selected) seek(session.find(session.selected[0]));
    selected = session.selected[0];
  });
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

/** @type {(instance: Seen | undefined) => void} */
function seek(instance) {
  if (instance) keepInView(placeOfNumber(instance.mask, () => true), 60);
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
function renderMarks({ instances, crossings, selected }) {
  const chosen = instances.filter(({ id }) => selected.includes(id));
  const stripes = crossings.map(({ mask }) => make("path", { d: pathOf(mask), class: "crossing" }));
  /** @type {(kind: string) => SVGElement[]} */
  const ring = (kind) => chosen.map(({ mask }) => make("path", { d: pathOf(mask), class: kind }));
  const frames = doubtful(instances).map(frame);
  const numbers = instances.map((instance) => number(instance, crossings));
  one(marks, "g", SVGGElement).replaceChildren(...stripes, ...ring("halo"), ...ring("ring"), ...frames, ...numbers);
}

/** @type {(instance: Seen) => SVGElement} */
function frame({ mask: { x, y, w, h } }) {
  return make("rect", { x: x - 2, y: y - 2, width: w + 4, height: h + 4, rx: 2, class: "doubt" });
}

/** @type {(instance: Seen, crossings: Crossing[]) => SVGElement} */
function number(instance, crossings) {
  const mine = crossings.filter(({ ids }) => ids.includes(instance.id));
  const [x, y] = placeOfNumber(instance.mask, (column, row) => !mine.some(({ mask }) => contains(mask, column, row)));
  const text = make("text", { x, y, class: instance.status, "data-id": instance.id });
  const sign = instance.status === "rejected" ? "×" : reasons(instance) ? "?" : "";
  text.textContent = `${instance.id}${sign}`;
  return text;
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
