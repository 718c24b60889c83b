/** Between the server's annotations and the page's instances. */

import { fromRle, toRle } from "../picture/masks.js";
import { kept } from "./edits.js";

/** @import { Box, Mask, Size } from "../picture/masks.js" */
/** @import { Instance } from "./edits.js" */

/** @typedef {{ segmentation: { size: Size, counts: string }, bbox: Box }} Piece Of a picture, as the server has it. */
/**
 * One chromosome as the server has it.
 *
 * @typedef {object} Chromosome
 * @property {number} id
 * @property {number} score
 * @property {string[]} flags
 * @property {number | null} uncertainty
 * @typedef {Piece & Chromosome} Annotation
 */

/**
 * Instances of an answer of /v1/segment.
 *
 * @type {(answer: { annotations: Annotation[] }) => Instance[]}
 */
export function instancesOf(answer) {
  return answer.annotations.map(({ id, segmentation, bbox, score, flags, uncertainty }) => ({
    id,
    mask: fromRle(segmentation, bbox),
    score,
    flags,
    uncertainty,
    from: [id],
    status: "found",
  }));
}

/**
 * Pieces of an answer of /v1/segment that belong to no annotation; an older server tells of none, and a model without a map.
 *
 * @type {(answer: { unclaimed?: Piece[] | null }) => Mask[]}
 */
export function piecesOf({ unclaimed }) {
  return (unclaimed ?? []).map(({ segmentation, bbox }) => fromRle(segmentation, bbox));
}

/**
 * The instances to be kept as annotations, in order; rejected ones are left out.
 *
 * @param {Instance[]} instances
 * @param {Size} size
 */
export function annotationsOf(instances, size) {
  return kept(instances).map(({ mask, score, flags, uncertainty, from, status, chromosome, upsideDown }) => ({
    segmentation: toRle(mask, size),
    flags,
    from,
    ...(score !== null && { score, uncertainty }),
    ...(status !== "found" && { status }),
    ...(chromosome !== undefined && { chromosome }),
    ...(upsideDown !== undefined && { upside_down: upsideDown }),
  }));
}

/**
 * An answer without what only the page needs.
 *
 * @template {{ picture: string }} A
 * @param {A} answer
 */
export function withoutPictures({ picture, ...answer }) {
  return answer;
}
