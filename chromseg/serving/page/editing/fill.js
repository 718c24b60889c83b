/** From a drawn outline or line to pixels. */

import { maskWhere } from "../picture/masks.js";

/** @import { Mask, Point, Size } from "../picture/masks.js" */

/**
 * The pixels whose middle lies inside a polygon [[x, y], …] (even-odd), within the picture; null for none.
 *
 * @type {(points: Point[], size: Size) => Mask | null}
 */
export function fill(points, [height, width]) {
  /** @type {(value: number, most: number) => number} */
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const left = clamp(Math.floor(Math.min(...xs)), width);
  const top = clamp(Math.floor(Math.min(...ys)), height);
  const right = clamp(Math.ceil(Math.max(...xs)), width);
  const bottom = clamp(Math.ceil(Math.max(...ys)), height);
  const rows = Array.from({ length: bottom - top }, (_, row) => crossed(points, top + row + 0.5));
  /** @type {(column: number, row: number) => boolean} */
  const inside = (column, row) => rows[row - top].filter((x) => x <= column + 0.5).length % 2 === 1;
  return maskWhere(left, top, right - left, bottom - top, inside);
}

/**
 * The pixels whose middle lies within `reach` px of a line [[x, y], …], within the picture; null for none.
 *
 * @type {(points: Point[], reach: number, size: Size) => Mask | null}
 */
export function stroke(points, reach, [height, width]) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const left = Math.max(0, Math.floor(Math.min(...xs) - reach));
  const top = Math.max(0, Math.floor(Math.min(...ys) - reach));
  const right = Math.min(width, Math.ceil(Math.max(...xs) + reach));
  const bottom = Math.min(height, Math.ceil(Math.max(...ys) + reach));
  const pieces = points.map((point, index) => [points[Math.max(0, index - 1)], point]);
  /** @type {(column: number, row: number) => boolean} */
  const under = (column, row) => pieces.some(([from, to]) => away([column + 0.5, row + 0.5], from, to) <= reach);
  return maskWhere(left, top, right - left, bottom - top, under);
}

/**
 * How far a point lies from the line between two others.
 *
 * @type {(point: Point, from: Point, to: Point) => number}
 */
function away([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
  const share = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}

/**
 * Where the polygon's sides cross a horizontal line.
 *
 * @type {(points: Point[], y: number) => number[]}
 */
function crossed(points, y) {
  /** @type {number[]} */
  const found = [];
  points.forEach(([x1, y1], index) => {
    const [x0, y0] = points[(index || points.length) - 1];
    if (y0 <= y !== y1 <= y) found.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
  });
  return found;
}
