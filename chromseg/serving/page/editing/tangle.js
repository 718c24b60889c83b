/** The chromosomes that lie in a tangle. */

import { contains, union } from "../picture/masks.js";
import { EditError, known } from "./edits.js";

/** @import { Mask, Point } from "../picture/masks.js" */
/** @import { Instance } from "./edits.js" */

const GRAZED = 6; // px that an axis may run over a chromosome beside its own

/**
 * The ids of those that drawn axes run through.
 *
 * @type {(instances: Instance[], axes: Point[][]) => number[]}
 */
export function tangleUnder(instances, axes) {
  const walked = axes.map(pixelsAlong);
  /** @type {(mask: Mask) => boolean} */
  const isUnder = (mask) => walked.some((pixels) => pixels.filter(([x, y]) => contains(mask, x, y)).length > GRAZED);
  const ids = instances.filter(({ mask, status }) => status !== "rejected" && isUnder(mask)).map(({ id }) => id);
  if (!ids.length) throw new EditError("The axis runs through no chromosome: draw it along one.");
  return ids;
}

/**
 * All that lies in any of them.
 *
 * @type {(instances: Instance[], ids: number[]) => Mask}
 */
export function unionOf(instances, ids) {
  return union(ids.map((id) => known(instances, id).mask));
}

/**
 * The pixels under a line, about one for each of its length.
 *
 * @type {(line: Point[]) => Point[]}
 */
function pixelsAlong(line) {
  return line.slice(1).flatMap(([x1, y1], index) => {
    const [x0, y0] = line[index];
    const steps = Math.max(1, Math.round(Math.hypot(x1 - x0, y1 - y0)));
    /** @type {(step: number) => Point} */
    const place = (step) => [Math.floor(x0 + ((x1 - x0) * step) / steps), Math.floor(y0 + ((y1 - y0) * step) / steps)];
    return Array.from({ length: steps }, (_, step) => place(step));
  });
}
