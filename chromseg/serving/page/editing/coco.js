/** Chromosomes out of a COCO file: a correction that the server keeps, or what a person saved elsewhere. */

import { cutToFit, fromRle, union } from "../picture/masks.js";
import { EditError } from "./edits.js";
import { fill } from "./fill.js";

/** @import { Mask, Point, Size } from "../picture/masks.js" */
/** @import { Instance } from "./edits.js" */

/**
 * One chromosome in a COCO file, ours or another's.
 *
 * @typedef {object} Foreign
 * @property {{ size: Size, counts: string | number[] } | number[][]} segmentation
 * @property {number} [image_id]
 * @property {number} [score]
 * @property {string[]} [flags]
 * @property {number | null} [uncertainty]
 * @property {number[]} [from]
 * @property {Instance["status"] | null} [status]
 * @property {string | null} [chromosome]
 * @property {boolean | null} [upside_down]
 */
/** @typedef {{ images: { id: number, file_name?: string, height: number, width: number }[], annotations: Foreign[] }} Coco */

/**
 * The chromosomes of a picture of `size`, drawn or saved by anybody, numbered from 1.
 *
 * @type {(annotations: Foreign[], size: Size) => Instance[]}
 */
export function instancesFrom(annotations, size) {
  return annotations.map((one, index) => {
    const mask = maskOf(one.segmentation, size);
    if (!mask) throw new EditError(`Chromosome ${index + 1} of this file covers nothing of the picture.`);
    const byHand = one.status === "changed" || one.status === "new" || one.score === undefined;
    return {
      id: index + 1,
      mask,
      score: byHand ? null : (one.score ?? null),
      flags: one.flags ?? [],
      uncertainty: one.uncertainty ?? null,
      from: one.from ?? [],
      status: one.status ?? (one.score === undefined ? "changed" : "found"),
      ...(one.chromosome && { chromosome: one.chromosome }),
      ...(typeof one.upside_down === "boolean" && { upsideDown: one.upside_down }),
    };
  });
}

/**
 * The annotations of a COCO file's text that are of a picture: of its name, or of the only one in the file.
 *
 * @type {(text: string, name: string, size: Size) => Foreign[]}
 */
export function annotationsIn(text, name, [height, width]) {
  const { images, annotations } = parsed(text);
  const image = images.length === 1 ? images[0] : images.find((one) => stem(one.file_name) === stem(name));
  if (!image) throw new EditError(`This file is of ${images.length} pictures, none of them called ${name}.`);
  if (image.height !== height || image.width !== width) {
    throw new EditError(`This file is of a picture of ${image.width} × ${image.height} px, this one has ${width} × ${height}.`);
  }
  return annotations.filter((one) => images.length === 1 || one.image_id === image.id);
}

/** @type {(text: string) => Coco} */
function parsed(text) {
  try {
    const found = JSON.parse(text);
    if (Array.isArray(found.images) && found.images.length && Array.isArray(found.annotations)) return found;
  } catch {
    // told below
  }
  throw new EditError("This is no COCO file: it has no lists of images and annotations.");
}

/** @type {(segmentation: Foreign["segmentation"], size: Size) => Mask | null} */
function maskOf(segmentation, size) {
  const [height, width] = size;
  if (!Array.isArray(segmentation)) {
    if (String(segmentation?.size) !== String(size)) throw new EditError("This file has masks of another size than the picture.");
    return cutToFit(fromRle(segmentation, [0, 0, width, height]));
  }
  /** @type {(ring: number[]) => Point[]} */
  const points = (ring) => ring.flatMap((x, index) => (index % 2 ? [] : [/** @type {Point} */ ([x, ring[index + 1]])]));
  const filled = segmentation.flatMap((ring) => fill(points(ring), size) ?? []);
  return filled.length ? union(filled) : null;
}

/** @type {(name?: string) => string} */
const stem = (name = "") => name.replace(/^.*[\\/]/, "").replace(/\.[^.]*$/, "").toLowerCase();
