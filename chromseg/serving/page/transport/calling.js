/** Asking the server: keys, busy servers, and problems that become errors. */

import { keyOf } from "./key.js";

/**
 * @typedef {{ meaning: string, remedy: string }} Rule
 * @typedef {Rule & { column: string, value: unknown, expected: string, severity: string }} Failure
 */
/**
 * @typedef {object} Problem
 * @property {string} kind
 * @property {string} got
 * @property {string} [expected]
 * @property {string} [remedy]
 * @property {Failure[]} [failures]
 */
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

/**
 * What the server answers; of which type, its callers say.
 *
 * @param {string} path
 * @param {Options} [options]
 * @param {Waiting} [waiting]
 */
export async function json(path, options, waiting) {
  return (await call(path, options, waiting)).json();
}

/**
 * `waiting` as of `segment`; null to try once and ask for no key.
 *
 * @type {(path: string, options?: Options, waiting?: Waiting) => Promise<Response>}
 */
export async function call(path, options = {}, waiting = () => {}) {
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

/**
 * Whether an error says that a file is no good, however often it is sent.
 *
 * @type {(error: unknown) => boolean}
 */
export function isRefusal(error) {
  return error instanceof ServerProblem && ["refused", "unsupported", "too-large"].includes(error.kind);
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
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
