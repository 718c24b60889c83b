/** Where the numbers of chromosomes stand: deep inside, on no crossing, and clear of each other. */

import { area, contains } from "./masks.js";

/** @import { Crossing } from "./crossings.js" */
/** @import { Mask, Point } from "./masks.js" */

/** @typedef {{ x: number, y: number, w: number, h: number }} Label around its middle, in the picture's pixels. */

const PLACES = 6; // that are tried for one number
const DEEP = 0.6; // of the greatest depth, that all of them have
const HEIGHT = 13; // screen px of a number
const DIGIT = 8; // screen px of each of its signs

/**
 * Where a number is read best: the middle [x, y] of the pixel deepest inside, of those for which `free(column, row)`
 * holds where there are any.
 *
 * @type {(mask: Mask, free: (column: number, row: number) => boolean) => Point}
 */
export function placeOfNumber(mask, free) {
  return placesOf(mask, free)[0];
}

/**
 * A place for each text, by id: small chromosomes, which have the least room, choose first. `pixel` is one of the screen
 * in those of the picture.
 *
 * @type {(instances: { id: number, mask: Mask, text: string }[], crossings: Crossing[], pixel: number) => Map<number, Point>}
 */
export function placeNumbers(instances, crossings, pixel) {
  /** @type {Label[]} */
  const taken = [];
  /** @type {Map<number, Point>} */
  const places = new Map();
  for (const { id, mask, text } of instances.toSorted((one, other) => area(one.mask) - area(other.mask))) {
    const mine = crossings.filter(({ ids }) => ids.includes(id));
    const options = placesOf(mask, (column, row) => !mine.some((crossing) => contains(crossing.mask, column, row)));
    const [w, h] = [DIGIT * text.length * pixel, HEIGHT * pixel];
    const labels = options.map(([x, y]) => ({ x, y, w, h }));
    const free = labels.find((label) => !taken.some((other) => collide(label, other)));
    const { x, y } = free ?? labels[0];
    taken.push(free ?? labels[0]);
    places.set(id, [x, y]);
  }
  return places;
}

/** @type {(one: Label, other: Label) => boolean} */
function collide(one, other) {
  return Math.abs(one.x - other.x) < (one.w + other.w) / 2 && Math.abs(one.y - other.y) < (one.h + other.h) / 2;
}

/**
 * Good places, the best first, each as far from those before it as may be.
 *
 * @type {(mask: Mask, free: (column: number, row: number) => boolean) => Point[]}
 */
function placesOf(mask, free) {
  const { x, y, w } = mask;
  const depth = depths(mask, free);
  const deepest = depth.reduce((most, value) => Math.max(most, value), 0);
  const best = [...depth.keys()].filter((place) => depth[place] === deepest);
  const deep = [...depth.keys()].filter((place) => depth[place] >= DEEP * deepest);
  /** @type {(place: number) => Point} */
  const point = (place) => [x + (place % w) + 0.5, y + Math.floor(place / w) + 0.5];
  const options = deep.map(point);
  const found = [point(best[Math.floor(best.length / 2)])];
  const away = options.map((option) => distance(option, found[0]));
  while (found.length < PLACES) {
    const farthest = away.reduce((most, value, index) => (value > away[most] ? index : most), 0);
    if (away[farthest] === 0) break;
    const next = options[farthest];
    found.push(next);
    options.forEach((option, index) => (away[index] = Math.min(away[index], distance(option, next))));
  }
  return found;
}

/** @type {(one: Point, other: Point) => number} */
const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

/**
 * How many steps each pixel of a mask's window lies from what is outside, or not free where some are.
 *
 * @type {(mask: Mask, free: (column: number, row: number) => boolean) => Int32Array}
 */
function depths({ x, y, w, h, bits }, free) {
  const alone = bits.map((bit, place) => (bit && free(x + (place % w), y + Math.floor(place / w)) ? 1 : 0));
  const depth = Int32Array.from(alone.some(Boolean) ? alone : bits);
  /** @type {(column: number, row: number) => number} */
  const at = (column, row) => (column >= 0 && column < w && row >= 0 && row < h ? depth[row * w + column] : 0);
  for (let grown = true, level = 1; grown; level++) {
    /** @type {number[]} */
    const inner = [];
    depth.forEach((value, place) => {
      const [column, row] = [place % w, Math.floor(place / w)];
      const lowest = Math.min(at(column - 1, row), at(column + 1, row), at(column, row - 1), at(column, row + 1));
      if (value === level && lowest >= level) inner.push(place);
    });
    for (const place of inner) depth[place] = level + 1;
    grown = inner.length > 0;
  }
  return depth;
}
