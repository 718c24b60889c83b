/** Between the server's annotations and the page's instances. */

import { kept } from "./edits.js";
import { fromRle, toRle } from "../picture/masks.js";

/** Instances of an answer of /v1/segment. */
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

/** The instances to be kept as annotations, in order; rejected ones are left out. */
export function annotationsOf(instances, size) {
  return kept(instances).map(({ mask, score, flags, uncertainty, from, status }) => ({
    segmentation: toRle(mask, size),
    flags,
    from,
    ...(score !== null && { score, uncertainty }),
    ...(status !== "found" && { status }),
  }));
}

/** An answer without what only the page needs. */
export function withoutPictures({ picture, ...answer }) {
  return answer;
}
