/** Work of the server that no request waits for: posted, asked about, fetched, and then forgotten there. */

import { call, json, pause } from "./calling.js";

/** @import { Options, Waiting } from "./calling.js" */

/** @typedef {{ id: string, state: "waiting" | "working" | "done" | "failed", step: "decode" | "network" | "partition" | null }} Job */
/** @typedef {(job: Job) => void} Told What learns how far it is. */

const SHORTEST = 0.2; // seconds between two questions
const LONGEST = 2;

/**
 * What comes of a request to /v1/jobs; of which type, its callers say.
 *
 * @param {string} query
 * @param {Options} request which its signal stops, and with it the work.
 * @param {Waiting} waiting
 * @param {Told} told
 */
export async function worked(query, request, waiting, told) {
  const { signal } = request;
  /** @type {Job} */
  let job = await json(`v1/jobs?${query}`, request, waiting);
  const path = `v1/jobs/${job.id}`;
  try {
    for (let seconds = SHORTEST; ["waiting", "working"].includes(job.state); seconds = Math.min(1.5 * seconds, LONGEST)) {
      told(job);
      await pause(seconds, signal);
      job = await json(path, { signal });
    }
    return await json(`${path}/result`, { signal }, waiting);
  } finally {
    call(path, { method: "DELETE" }, null).catch(() => {}); // it would be forgotten later all the same
  }
}
