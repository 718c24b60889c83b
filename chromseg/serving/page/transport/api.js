/** Talking with the server. Its problems become errors that say what was got, what was expected and what to do. */

import { keyOf } from "./key.js";

const TRIES = 6; // against a busy server

/** What the server would not do, or could not be asked. */
export class ServerProblem extends Error {
  constructor({ kind, got, expected = "", remedy = "", failures = [] }) {
    super(got);
    Object.assign(this, { kind, got, expected, remedy, failures });
  }
}

export const settings = () => json("v1/settings");
export const model = () => json("v1/model");
/** The same without asking a person for anything, or a busy server twice. */
export const modelNow = async () => (await call("v1/model", {}, null)).json();
export const rules = () => json("v1/rules");
export const cardText = async () => (await call("v1/model/card?format=markdown")).text();

/**
 * Cut a picture.
 *
 * @param file the image file.
 * @param options {polarity, scale, page}.
 * @param how.signal an AbortSignal to stop it.
 * @param how.waiting told the seconds for which a busy server wants to be left alone.
 */
export function segment(file, options, { signal, waiting }) {
  const query = new URLSearchParams({ format: "json", include: "picture", ...options });
  const body = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" }, signal };
  return json(`v1/segment?${query}`, body, waiting);
}

/** An export of instances as they stand: {blob, name}. */
export async function render(format, file, result, page) {
  const form = new FormData();
  form.set("image", file, "image");
  form.set("instances", JSON.stringify(result));
  const response = await call(`v1/export?${new URLSearchParams({ format, page })}`, { method: "POST", body: form });
  const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { blob: await response.blob(), name: name ?? format };
}

/** Keep a correction. `fields` are those of /v1/corrections beside the image. */
export function correct(file, fields) {
  const form = new FormData();
  form.set("image", file, "image");
  for (const [key, value] of Object.entries(fields)) form.set(key, value);
  return json("v1/corrections", { method: "POST", body: form });
}

async function json(path, options, waiting) {
  return (await call(path, options, waiting)).json();
}

/** `waiting` as of `segment`; null to try once and ask for no key. */
async function call(path, options = {}, waiting = () => {}) {
  for (let left = TRIES; ; left--) {
    const response = await send(path, options);
    if (response.ok) return response;
    if (waiting === null) throw await problemOf(response);
    const seconds = Number(response.headers.get("Retry-After"));
    if ([429, 503].includes(response.status) && seconds && left > 1) {
      waiting(seconds);
      await pause(seconds, options.signal);
    } else if (response.status !== 401 || !(await keyOf.ask())) {
      throw await problemOf(response);
    }
  }
}

async function send(path, options) {
  const key = keyOf.known();
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const remedy = "Check that it runs and that the network is there, then try again.";
    throw new ServerProblem({ kind: "unreachable", got: "The server cannot be reached.", remedy });
  }
}

async function problemOf(response) {
  try {
    return new ServerProblem((await response.json()).error);
  } catch {
    const remedy = "Try again; if it stays, tell whoever runs this server.";
    return new ServerProblem({ kind: "failed", got: `The server answered ${response.status}.`, remedy });
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
