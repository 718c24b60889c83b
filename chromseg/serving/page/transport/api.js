/** Talking with the server. Its problems become errors that say what was got, what was expected and what to do. */

import { keyOf } from "./key.js";

/** @import { Annotation } from "../editing/annotations.js" */

// What the server answers, of which /openapi.json tells more: as far as the page uses it.
/**
 * @typedef {{ name: string, version: string | null, weights_sha256: string | null }} Model
 * @typedef {Model & { lineage_id: string | null, image_sha256: string, software_version: string }} UsedModel
 * @typedef {{ meaning: string, remedy: string }} Rule
 * @typedef {Rule & { column: string, value: unknown, expected: string, severity: string }} Failure
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
 * @property {UsedModel} model
 * @property {{ input: Report, result: Report }} validation
 * @property {{ polarity: string, scale: number }} options
 * @property {{ total: number }} timings_ms
 * @property {string} picture a data URI.
 */
/** @typedef {{ time: string, reviewer: string, n_original: number, n_corrected: number }} Kept A correction. */
/**
 * @typedef {object} Problem
 * @property {string} kind
 * @property {string} got
 * @property {string} [expected]
 * @property {string} [remedy]
 * @property {Failure[]} [failures]
 */
/** @typedef {{ file: File, answer: Answer, page: number }} Work A picture at work, and what it was answered. */

/** @typedef {((seconds: number) => void) | null} Waiting What learns for how long a busy server wants to be left alone. */
/** @typedef {RequestInit & { headers?: Record<string, string>, signal?: AbortSignal }} Options */

const TRIES = 6; // against a busy server

/** What the server would not do, or could not be asked. */
export class ServerProblem extends Error {
  /** @param {Problem} problem */
  constructor({ kind, got, expected = "", remedy = "", failures = [] }) {
    super(got);
    this.kind = kind;
    this.got = got;
    this.expected = expected;
    this.remedy = remedy;
    this.failures = failures;
  }
}

/** @type {() => Promise<Settings>} */
export const settings = () => json("v1/settings");
/** @type {() => Promise<Model>} */
export const model = () => json("v1/model");
/**
 * The same without asking a person for anything, or a busy server twice.
 *
 * @type {() => Promise<Model>}
 */
export const modelNow = async () => (await call("v1/model", {}, null)).json();
/** @type {() => Promise<Rule[]>} */
export const rules = () => json("v1/rules");
/** @type {() => Promise<string>} */
export const cardText = async () => (await call("v1/model/card?format=markdown")).text();

/**
 * Cut a picture.
 *
 * @param {File} file the image file.
 * @param {{ polarity: string, scale: string, page: number }} options
 * @param {{ signal: AbortSignal, waiting: Waiting }} how `signal` stops it.
 * @returns {Promise<Answer>}
 */
export function segment(file, options, { signal, waiting }) {
  const asked = { ...options, page: String(options.page) };
  const query = new URLSearchParams({ format: "json", include: "picture", ...asked });
  const body = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" }, signal };
  return json(`v1/segment?${query}`, body, waiting);
}

/**
 * An export of instances as they stand.
 *
 * @type {(format: string, file: File, result: object, page: number) => Promise<{ blob: Blob, name: string }>}
 */
export async function render(format, file, result, page) {
  const form = new FormData();
  form.set("image", file, "image");
  form.set("instances", JSON.stringify(result));
  const query = new URLSearchParams({ format, page: String(page) });
  const response = await call(`v1/export?${query}`, { method: "POST", body: form });
  const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { blob: await response.blob(), name: name ?? format };
}

/**
 * Keep a correction. `fields` are those of /v1/corrections beside the image.
 *
 * @type {(file: File, fields: Record<string, string | number>) => Promise<Kept>}
 */
export function correct(file, fields) {
  const form = new FormData();
  form.set("image", file, "image");
  for (const [key, value] of Object.entries(fields)) form.set(key, String(value));
  return json("v1/corrections", { method: "POST", body: form });
}

/**
 * What the server answers; of which type, its callers say.
 *
 * @param {string} path
 * @param {Options} [options]
 * @param {Waiting} [waiting]
 */
async function json(path, options, waiting) {
  return (await call(path, options, waiting)).json();
}

/**
 * `waiting` as of `segment`; null to try once and ask for no key.
 *
 * @type {(path: string, options?: Options, waiting?: Waiting) => Promise<Response>}
 */
async function call(path, options = {}, waiting = () => {}) {
  for (let left = TRIES; ; left--) {
    const key = keyOf.known();
    const response = await send(path, options, key);
    if (response.ok) return response;
    if (waiting === null) throw await problemOf(response);
    const seconds = Number(response.headers.get("Retry-After"));
    if ([429, 503].includes(response.status) && seconds && left > 1) {
      waiting(seconds);
      await pause(seconds, options.signal);
    } else if (response.status !== 401 || !(await keyOf.instead(key))) {
      throw await problemOf(response);
    }
  }
}

/** @type {(path: string, options: Options, key: string | null) => Promise<Response>} */
async function send(path, options, key) {
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    if (isAbort(error)) throw error;
    const remedy = "Check that it runs and that the network is there, then try again.";
    throw new ServerProblem({ kind: "unreachable", got: "The server cannot be reached.", remedy });
  }
}

/**
 * Whether an error says only that somebody stopped what ran.
 *
 * @type {(error: unknown) => boolean}
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** @type {(response: Response) => Promise<ServerProblem>} */
async function problemOf(response) {
  try {
    return new ServerProblem((await response.json()).error);
  } catch {
    const remedy = "Try again; if it stays, tell whoever runs this server.";
    return new ServerProblem({ kind: "failed", got: `The server answered ${response.status}.`, remedy });
  }
}

/** @type {(seconds: number, signal?: AbortSignal) => Promise<void>} */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
