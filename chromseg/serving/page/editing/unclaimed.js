/** Pieces of the picture that look like chromosome and may belong to none. */

import { doubtful } from "../base/words.js";
import { area, intersection, union } from "../picture/masks.js";

/** @import { Mask } from "../picture/masks.js" */
/** @import { Instance } from "./edits.js" */

/**
 * The pieces that belong to none: instances cover less than half of each. One that a person rejected covers too: what
 * lies there was decided.
 *
 * @type {(pieces: Mask[], instances: Instance[]) => Mask[]}
 */
export function unclaimedOf(pieces, instances) {
  return pieces.filter((piece) => {
    const covered = instances.flatMap(({ mask }) => intersection(piece, mask) ?? []);
    return !covered.length || 2 * area(union(covered)) < area(piece);
  });
}

/**
 * How many there are to look at: doubtful instances, and pieces that belong to none.
 *
 * @type {(pieces: Mask[], instances: Instance[]) => number}
 */
export function toLookAt(pieces, instances) {
  return doubtful(instances).length + unclaimedOf(pieces, instances).length;
}
