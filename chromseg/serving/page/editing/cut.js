/** Cutting a mask along a drawn line. */

import { area, cutToFit } from "../picture/masks.js";

/** @import { Mask, Point } from "../picture/masks.js" */
/** @typedef {{ w: number, h: number }} Window What has places, numbered row by row. */

const OVERSHOOT = 4; // px by which both ends are drawn on, as a hand stops a little short
const SMALLEST = 16; // px; a smaller piece is a splinter and stays with its neighbour

/**
 * The pieces that a line [[x, y], …] leaves of a mask, largest first.
 *
 * The line itself, splinters, and islands that it does not reach go to the nearest piece. One piece means that the
 * line does not run from side to side.
 *
 * @type {(mask: Mask, points: Point[]) => Mask[]}
 */
export function cut(mask, points) {
  const line = new Set(placesAlong(drawnOn(points), mask));
  const free = mask.bits.map((bit, place) => (bit && !line.has(place) ? 1 : 0));
  const labels = new Int32Array(free.length); // 0: no piece yet
  /** @type {number[][]} */
  const seeds = [];
  free.forEach((bit, place) => {
    if (!bit || labels[place]) return;
    const piece = flood(free, labels, place, seeds.length + 1, mask);
    if (piece.length >= SMALLEST && piece.some((pixel) => neighbours(pixel, mask).some((next) => line.has(next)))) {
      seeds.push(piece);
    }
  });
  if (seeds.length < 2) return [mask];
  const owner = grow(seeds, mask);
  /** @type {(label: number) => Mask} */
  const piece = (label) => ({ ...mask, bits: mask.bits.map((bit, at) => (bit && owner[at] === label ? 1 : 0)) });
  const pieces = seeds.flatMap((_, index) => cutToFit(piece(index + 1)) ?? []); // none is empty: each has its seed
  return pieces.sort((one, other) => area(other) - area(one));
}

/**
 * The line with both ends drawn on.
 *
 * @type {(points: Point[]) => Point[]}
 */
function drawnOn(points) {
  /** @type {(from: Point, end: Point) => Point} */
  const beyond = ([x0, y0], [x1, y1]) => {
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    return [x1 + (OVERSHOOT * (x1 - x0)) / length, y1 + (OVERSHOOT * (y1 - y0)) / length];
  };
  return [beyond(points[1], points[0]), ...points, beyond(points[points.length - 2], points[points.length - 1])];
}

/**
 * Places in a mask's window under a line, each sharing a side with the next, so that nothing slips through.
 *
 * @type {(points: Point[], mask: Mask) => number[]}
 */
function placesAlong(points, { x, y, w, h }) {
  /** @type {number[]} */
  const places = [];
  /** @type {(column: number, row: number) => void} */
  const put = (column, row) => {
    if (column >= x && column < x + w && row >= y && row < y + h) places.push((row - y) * w + column - x);
  };
  points.slice(1).forEach((end, index) => {
    let [column, row] = points[index].map(Math.floor);
    const [lastColumn, lastRow] = end.map(Math.floor);
    const [stepX, stepY] = [Math.sign(lastColumn - column), Math.sign(lastRow - row)];
    const [wide, high] = [Math.abs(lastColumn - column), Math.abs(lastRow - row)];
    put(column, row);
    for (let walkedX = 0, walkedY = 0; walkedX < wide || walkedY < high; ) {
      if ((walkedX + 0.5) * high <= (walkedY + 0.5) * wide && walkedX < wide) {
        column += stepX;
        walkedX++;
      } else {
        row += stepY;
        walkedY++;
      }
      put(column, row);
    }
  });
  return places;
}

/**
 * Label the pixels connected with `start`, corners included; their places.
 *
 * @type {(free: Uint8Array, labels: Int32Array, start: number, label: number, window: Window) => number[]}
 */
function flood(free, labels, start, label, window) {
  const reached = [start];
  labels[start] = label;
  for (let at = 0; at < reached.length; at++) {
    for (const next of neighbours(reached[at], window)) {
      if (!free[next] || labels[next]) continue;
      labels[next] = label;
      reached.push(next);
    }
  }
  return reached;
}

/**
 * For every place of the window which seed is nearest, counted from 1.
 *
 * @type {(seeds: number[][], window: Window) => Int32Array}
 */
function grow(seeds, window) {
  const owner = new Int32Array(window.w * window.h);
  seeds.forEach((seed, index) => seed.forEach((place) => (owner[place] = index + 1)));
  const front = seeds.flat();
  for (let at = 0; at < front.length; at++) {
    for (const next of neighbours(front[at], window)) {
      if (owner[next]) continue;
      owner[next] = owner[front[at]];
      front.push(next);
    }
  }
  return owner;
}

/**
 * The up to eight places around one.
 *
 * @type {(place: number, window: Window) => number[]}
 */
function neighbours(place, { w, h }) {
  const column = place % w;
  const row = (place - column) / w;
  /** @type {number[]} */
  const found = [];
  for (let r = Math.max(0, row - 1); r <= Math.min(h - 1, row + 1); r++) {
    for (let c = Math.max(0, column - 1); c <= Math.min(w - 1, column + 1); c++) {
      if (r !== row || c !== column) found.push(r * w + c);
    }
  }
  return found;
}
