/**
 * Masks of chromosomes, and what can be done with them.
 *
 * A mask is a window of the picture, {x, y, w, h, bits}: its upper left pixel, its size, and one byte a pixel, row by
 * row, 1 inside. Windows keep 46 chromosomes of a large picture small. Masks are never changed, only made.
 *
 * @typedef {{ x: number, y: number, w: number, h: number, bits: Uint8Array }} Mask
 */
/**
 * @typedef {[x: number, y: number]} Point of the picture, in its pixels.
 * @typedef {[height: number, width: number]} Size
 * @typedef {[x: number, y: number, w: number, h: number]} Box
 */

/**
 * A mask from a COCO run-length code (compressed text or counts), whose box [x, y, w, h] is known.
 *
 * @type {(code: { size: Size, counts: string | number[] }, box: Box) => Mask}
 */
export function fromRle({ size: [height], counts }, [x, y, w, h]) {
  const bits = new Uint8Array(w * h);
  let at = 0;
  let inside = false;
  for (const run of typeof counts === "string" ? unpack(counts) : counts) {
    for (let place = at; inside && place < at + run; place++) {
      bits[((place % height) - y) * w + Math.floor(place / height) - x] = 1;
    }
    at += run;
    inside = !inside;
  }
  return { x, y, w, h, bits };
}

/**
 * COCO's text form of counts: groups of five bits, low first; from the fourth on the change since the last but one.
 *
 * @type {(text: string) => number[]}
 */
function unpack(text) {
  /** @type {number[]} */
  const counts = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      group = text.charCodeAt(at++) - 48;
      value |= (group & 0x1f) << shift;
      shift += 5;
    } while (group & 0x20);
    if (group & 0x10) value |= -1 << shift;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

/**
 * The mask as COCO counts over the whole picture [height, width]: column by column, zeros first.
 *
 * @param {Mask} mask
 * @param {Size} size
 */
export function toRle(mask, [height, width]) {
  const counts = [];
  let end = 0; // of the last run inside
  for (let column = 0; column < mask.w; column++) {
    for (let row = 0; row < mask.h; row++) {
      if (!mask.bits[row * mask.w + column]) continue;
      const place = (mask.x + column) * height + mask.y + row;
      if (counts.length && place === end) counts[counts.length - 1] += 1;
      else counts.push(place - end, 1);
      end = place + 1;
    }
  }
  counts.push(height * width - end);
  return { size: [height, width], counts };
}

/**
 * A mask over a window, made of every pixel for which `inside(column, row)` holds; null where there is none.
 *
 * @type {(x: number, y: number, w: number, h: number, inside: (column: number, row: number) => boolean) => Mask | null}
 */
export function maskWhere(x, y, w, h, inside) {
  const bits = new Uint8Array(Math.max(0, w) * Math.max(0, h));
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) bits[row * w + column] = inside(x + column, y + row) ? 1 : 0;
  }
  return cutToFit({ x, y, w, h, bits });
}

/**
 * The same mask in the smallest window; null for an empty one.
 *
 * @type {(mask: Mask) => Mask | null}
 */
export function cutToFit({ x, y, w, h, bits }) {
  let [left, top, right, bottom] = [w, h, 0, 0];
  bits.forEach((bit, place) => {
    if (!bit) return;
    const column = place % w;
    const row = (place - column) / w;
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    top = Math.min(top, row);
    bottom = row + 1;
  });
  if (right <= left) return null;
  const fit = new Uint8Array((right - left) * (bottom - top));
  for (let row = top; row < bottom; row++) {
    fit.set(bits.subarray(row * w + left, row * w + right), (row - top) * (right - left));
  }
  return { x: x + left, y: y + top, w: right - left, h: bottom - top, bits: fit };
}

/**
 * Whether a pixel of the picture lies inside.
 *
 * @type {(mask: Mask, column: number, row: number) => boolean}
 */
export function contains({ x, y, w, h, bits }, column, row) {
  const inWindow = column >= x && column < x + w && row >= y && row < y + h;
  return inWindow && bits[(row - y) * w + column - x] === 1;
}

/**
 * How many pixels are inside; none for null.
 *
 * @type {(mask: Mask | null) => number}
 */
export function area(mask) {
  return mask ? mask.bits.reduce((sum, bit) => sum + bit, 0) : 0;
}

/**
 * All that lies in any of the masks, of which one at least is not empty.
 *
 * @type {(masks: Mask[]) => Mask}
 */
export function union(masks) {
  const x = Math.min(...masks.map((mask) => mask.x));
  const y = Math.min(...masks.map((mask) => mask.y));
  const right = Math.max(...masks.map((mask) => mask.x + mask.w));
  const bottom = Math.max(...masks.map((mask) => mask.y + mask.h));
  const inAny = maskWhere(x, y, right - x, bottom - y, (column, row) => masks.some((mask) => contains(mask, column, row)));
  if (!inAny) throw new RangeError(`nothing lies in ${masks.length} masks`);
  return inAny;
}

/**
 * What lies in both masks; null for nothing.
 *
 * @type {(one: Mask, other: Mask) => Mask | null}
 */
export function intersection(one, other) {
  const x = Math.max(one.x, other.x);
  const y = Math.max(one.y, other.y);
  const w = Math.min(one.x + one.w, other.x + other.w) - x;
  const h = Math.min(one.y + one.h, other.y + other.h) - y;
  if (w <= 0 || h <= 0) return null;
  return maskWhere(x, y, w, h, (column, row) => contains(one, column, row) && contains(other, column, row));
}

/**
 * What lies in the first mask and not in the second; null for nothing.
 *
 * @type {(one: Mask, other: Mask) => Mask | null}
 */
export function subtract(one, other) {
  const { x, y, w, h } = one;
  return maskWhere(x, y, w, h, (column, row) => contains(one, column, row) && !contains(other, column, row));
}
