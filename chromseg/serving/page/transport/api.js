/** The routes of the server that the page uses, and what they answer. */

import { fromRle, toRle } from "../picture/masks.js";
import { call, json, ServerProblem } from "./calling.js";
import { worked } from "./jobs.js";

/** @import { Annotation, Piece } from "../editing/annotations.js" */
/** @import { Foreign } from "../editing/coco.js" */
/** @import { Step } from "../editing/session.js" */
/** @import { Measured } from "../base/measured.js" */
/** @import { Mask, Point, Size } from "../picture/masks.js" */
/** @import { Failure, Rule, Waiting } from "./calling.js" */
/** @import { Told } from "./jobs.js" */

// What the server answers, of which /openapi.json tells more: as far as the page uses it.
/**
 * @typedef {{ name: string, version: string | null, weights_sha256: string | null }} Identity of a model.
 * @typedef {Identity & { choice: string, measured: Record<string, Measured> }} Model `choice` is what a request calls it.
 * @typedef {Identity & { lineage_id: string | null, image_sha256: string, software_version: string }} UsedModel
 * @typedef {{ failures: Failure[] }} Report
 * @typedef {{ height: number, width: number, page: number, pages: number }} Image
 */
/**
 * @typedef {object} Settings
 * @property {boolean} corrections whether they are kept.
 * @property {boolean} needs_key
 * @property {number} max_body_bytes
 * @property {string[]} suffixes
 * @property {number} expected_count
 */
/**
 * @typedef {object} Answer of /v1/segment.
 * @property {[Image]} images
 * @property {Annotation[]} annotations
 * @property {Piece[] | null} [unclaimed]
 * @property {UsedModel} model
 * @property {{ input: Report, result: Report }} validation
 * @property {{ polarity: string, scale: number }} options
 * @property {{ total: number }} timings_ms
 * @property {string} picture a data URI.
 */
/**
 * @typedef {{ time: string, reviewer: string, key: string | null, n_original: number, n_corrected: number, etag: string }} Saved
 * @typedef {{ reviewer: string, key: string | null, time: string, model: Identity }} Info who corrected, when, of which model's.
 * @typedef {{ info: Info, annotations: Foreign[], etag: string }} Correction that the server keeps.
 */
/**
 * @typedef {object} PlacedChromosome One of a karyogram; `number` counts the annotations that were sent, from 1.
 * @property {number} number
 * @property {string} name
 * @property {boolean} upside_down whether `strip` begins at the long arm.
 * @property {boolean} unsure
 * @property {boolean} by_person
 * @property {string} strip a data URI.
 */
/** @typedef {{ count: string, unsure: number, chromosomes: PlacedChromosome[], rows: string[][][] }} Karyogram */
/**
 * @typedef {object} Work A picture at work, and what it was answered.
 * @property {File} file
 * @property {Answer} answer
 * @property {number} page
 * @property {(step: Step) => void} markSaved a step of it was saved, whichever picture is at work by then.
 */

/** @type {() => Promise<Settings>} */
export const settings = () => json("v1/settings");
/**
 * Those that may be chosen; the first cuts where none is.
 *
 * @type {() => Promise<Model[]>}
 */
export const models = () => json("v1/models");
/**
 * What the server knows of one now, without asking a person for anything, or a busy server twice; "" is the first.
 *
 * @type {(choice: string) => Promise<Model>}
 */
export const modelNow = async (choice) => (await call(`v1/model${chosen(choice)}`, {}, null)).json();
/** @type {() => Promise<Rule[]>} */
export const rules = () => json("v1/rules");
/** @type {(choice: string) => string} */
export const cardOf = (choice) => `v1/model/card${chosen(choice)}`;
/** @type {(choice: string) => Promise<string>} */
export const cardText = async (choice) => (await call(`v1/model/card${chosen(choice, { format: "markdown" })}`)).text();

/** @type {(choice: string, more?: Record<string, string>) => string} */
function chosen(choice, more = {}) {
  const query = String(new URLSearchParams({ ...more, ...(choice && { model: choice }) }));
  return query && `?${query}`;
}

/**
 * Cut a picture.
 *
 * @param {File} file the image file.
 * @param {{ polarity: string, scale: string, page: number, model: string }} options
 * @param {{ signal: AbortSignal, waiting: Waiting, told: Told | null }} how `signal` stops it; it is a job of which `told`
 *   learns how far it is, or one request where that is null.
 * @returns {Promise<Answer>}
 */
export function segment(file, { model, page, ...options }, { signal, waiting, told }) {
  const asked = { ...options, page: String(page), ...(model && { model }) };
  const query = new URLSearchParams({ format: "json", include: "picture", ...asked });
  const body = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" }, signal };
  return told ? worked(String(query), body, waiting, told) : json(`v1/segment?${query}`, body, waiting);
}

/**
 * An export of instances as they stand.
 *
 * @type {(format: string, file: File, result: object, page: number) => Promise<{ blob: Blob, name: string }>}
 */
export async function render(format, file, result, page) {
  const response = await made("export", format, file, result, page);
  const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { blob: await response.blob(), name: name ?? format };
}

/**
 * Instances named and placed, around those that a person has placed.
 *
 * @type {(file: File, result: object, page: number, signal: AbortSignal) => Promise<Karyogram>}
 */
export const karyogram = async (file, result, page, signal) =>
  (await made("karyogram", "json", file, result, page, signal)).json();
/**
 * The same as a page, "png" or "pdf".
 *
 * @type {(format: string, file: File, result: object, page: number) => Promise<Blob>}
 */
export const karyogramFile = async (format, file, result, page) =>
  (await made("karyogram", format, file, result, page)).blob();

/** @type {(route: string, format: string, file: File, result: object, page: number, signal?: AbortSignal) => Promise<Response>} */
function made(route, format, file, result, page, signal) {
  const form = new FormData();
  form.set("image", file, "image");
  form.set("instances", JSON.stringify(result));
  const query = new URLSearchParams({ format, page: String(page) });
  return call(`v1/${route}?${query}`, { method: "POST", body: form, signal });
}

/**
 * Keep a correction. `fields` are those of /v1/corrections beside the image; `etag` is of the correction that it goes on
 * from, null where there was none: if somebody else has saved since, that is a problem of kind "conflict".
 *
 * @type {(file: File, fields: Record<string, string | number>, etag: string | null) => Promise<Saved>}
 */
export function correct(file, fields, etag) {
  const form = new FormData();
  form.set("image", file, "image");
  for (const [key, value] of Object.entries(fields)) form.set(key, String(value));
  /** @type {Record<string, string>} */
  const headers = etag === null ? { "If-None-Match": "*" } : { "If-Match": etag };
  return json("v1/corrections", { method: "POST", body: form, headers });
}

/**
 * The correction that the server keeps of a picture; null where there is none.
 *
 * @type {(answer: Answer) => Promise<Correction | null>}
 */
export async function correctionOf(answer) {
  try {
    const response = await call(`v1/corrections/${keyOf(answer)}`);
    return { ...(await response.json()), etag: response.headers.get("ETag") ?? "" };
  } catch (problem) {
    if (problem instanceof ServerProblem && problem.kind === "not-found") return null;
    throw problem;
  }
}

/**
 * What a picture is kept under: the start of its file's SHA-256, and its page where the file has several.
 *
 * @type {(answer: Answer) => string}
 */
export function keyOf({ model: { image_sha256 }, images: [{ page, pages }] }) {
  return image_sha256.slice(0, 16) + (pages > 1 ? `-page-${String(page + 1).padStart(3, "0")}` : "");
}

/**
 * A tangle split along axes [[x, y], …] by stage 2: those of the axes first, then the rest.
 *
 * @type {(tangle: Mask, size: Size, axes: Point[][]) => Promise<Mask[]>}
 */
export async function partition(tangle, size, axes) {
  const body = JSON.stringify({ mask: toRle(tangle, size), axes });
  /** @type {{ annotations: Annotation[] }} */
  const answered = await json("v1/partition", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  return answered.annotations.map(({ segmentation, bbox }) => fromRle(segmentation, bbox));
}
