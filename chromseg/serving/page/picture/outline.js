/** From a mask to its outline. */

/** @import { Mask, Point } from "./masks.js" */

/**
 * Of a pixel, between inside and outside: where it begins, and the step along it.
 *
 * @typedef {[x: number, y: number, dx: number, dy: number]} Side
 */

/** @type {WeakMap<Mask, string>} */
const cache = new WeakMap(); // mask → path; masks never change

/**
 * The outline as the `d` of an SVG path, in the picture's pixels, to be filled even-odd.
 *
 * @type {(mask: Mask) => string}
 */
export function pathOf(mask) {
  const path = cache.get(mask) ?? rings(mask).map(toPath).join("");
  cache.set(mask, path);
  return path;
}

/**
 * Closed walks along the pixels' sides, the inside on the right hand; each a list of the sides' middles.
 *
 * @type {(mask: Mask) => Point[][]}
 */
export function rings(mask) {
  const open = new Map(sides(mask).map((side) => [side.join(), side]));
  const found = [];
  for (const first of open.values()) {
    /** @type {Point[]} */
    const ring = [];
    for (let side = /** @type {Side | undefined} */ (first); side && open.delete(side.join()); side = onwards(open, side)) {
      const [x, y, dx, dy] = side;
      ring.push([x + dx / 2, y + dy / 2]);
    }
    found.push(ring);
  }
  return found;
}

/** @type {(mask: Mask) => Side[]} */
function sides({ x, y, w, h, bits }) {
  /** @type {(column: number, row: number) => boolean} */
  const at = (column, row) => column >= 0 && column < w && row >= 0 && row < h && bits[row * w + column] > 0;
  /** @type {Side[]} */
  const found = [];
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      if (!at(column, row)) continue;
      const [left, top] = [x + column, y + row];
      if (!at(column, row - 1)) found.push([left, top, 1, 0]);
      if (!at(column + 1, row)) found.push([left + 1, top, 0, 1]);
      if (!at(column, row + 1)) found.push([left + 1, top + 1, -1, 0]);
      if (!at(column - 1, row)) found.push([left, top + 1, 0, -1]);
    }
  }
  return found;
}

/**
 * The side that goes on from the end of one; to the left first, which keeps pixels together that touch by a corner.
 *
 * @type {(open: Map<string, Side>, side: Side) => Side | undefined}
 */
function onwards(open, [x, y, dx, dy]) {
  const end = [x + dx, y + dy];
  const turns = [[dy, -dx], [dx, dy], [-dy, dx]];
  return turns.map((turn) => open.get([...end, ...turn].join())).find(Boolean);
}

/**
 * Points as a path; those on a straight line between their neighbours are left out.
 *
 * @type {(ring: Point[]) => string}
 */
function toPath(ring) {
  const corners = ring.filter(([x, y], index) => {
    const [x0, y0] = ring[(index || ring.length) - 1];
    const [x1, y1] = ring[(index + 1) % ring.length];
    return (x - x0) * (y1 - y) !== (y - y0) * (x1 - x);
  });
  return `M${corners.map(([x, y]) => `${x} ${y}`).join("L")}Z`;
}
