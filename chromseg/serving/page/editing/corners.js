/** The outline of a mask as few points, which a hand can move. */

import { rings } from "../picture/outline.js";

/** @import { Mask, Point } from "../picture/masks.js" */

/** @typedef {Point[][]} Corners Of one chromosome: closed walks, counted through from the first walk to the last. */

export const AWAY = 1; // px of the picture that the outline may lie beside the lines between its corners
const FEWEST = 3; // corners of a walk; what is smaller has none

/** @type {WeakMap<Mask, Corners>} */
const known = new WeakMap(); // those that a hand has moved

/**
 * The corners of a mask: those that it was made of, or as few as keep to its outline.
 *
 * @type {(mask: Mask) => Corners}
 */
export function cornersOf(mask) {
  const found = known.get(mask) ?? rings(mask).map(simplified).filter(({ length }) => length >= FEWEST);
  known.set(mask, found);
  return found;
}

/**
 * A mask was made of these.
 *
 * @type {(mask: Mask, corners: Corners) => void}
 */
export function madeOf(mask, corners) {
  known.set(mask, corners);
}

/**
 * The corners with others instead of the one at a place.
 *
 * @type {(corners: Corners, place: number, others: Point[]) => Corners}
 */
export function replaced(corners, place, others) {
  let before = 0;
  return corners.map((walk) => {
    const at = place - before;
    before += walk.length;
    return at >= 0 && at < walk.length ? walk.toSpliced(at, 1, ...others) : walk;
  });
}

/**
 * The middles between each corner and the next.
 *
 * @type {(corners: Corners) => Point[]}
 */
export function middles(corners) {
  return sides(corners).map(([[x0, y0], [x1, y1]]) => [(x0 + x1) / 2, (y0 + y1) / 2]);
}

/**
 * The lines between each corner and the next.
 *
 * @type {(corners: Corners) => [Point, Point][]}
 */
export function sides(corners) {
  return corners.flatMap((walk) =>
    walk.map((point, index) => /** @type {[Point, Point]} */ ([point, walk[(index + 1) % walk.length]])),
  );
}

/**
 * A closed walk in as few of its points as keep to it (Douglas and Peucker), from the two that lie farthest apart.
 *
 * @type {(walk: Point[]) => Point[]}
 */
function simplified(walk) {
  const far = farthest(walk, (point) => Math.hypot(point[0] - walk[0][0], point[1] - walk[0][1])).at;
  return [...thinned(walk.slice(0, far + 1)), ...thinned([...walk.slice(far), walk[0]])];
}

/**
 * A line in as few of its points, without the last.
 *
 * @type {(line: Point[]) => Point[]}
 */
function thinned(line) {
  const [[x0, y0], [x1, y1]] = [line[0], line[line.length - 1]];
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const { at, away } = farthest(line, ([x, y]) => Math.abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length);
  if (away <= AWAY) return line.slice(0, 1);
  return [...thinned(line.slice(0, at + 1)), ...thinned(line.slice(at))];
}

/** @type {(points: Point[], measure: (point: Point) => number) => { at: number, away: number }} */
function farthest(points, measure) {
  const far = points.map(measure);
  const at = far.reduce((most, value, index) => (value > far[most] ? index : most), 0);
  return { at, away: far[at] };
}
