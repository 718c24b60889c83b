/** What a model was measured on, and what it was not, in words. */

import { listed, percent } from "./words.js";

/**
 * How a model did on a stain: in so many metaphases, or crossings cut out of them; null where nobody counted.
 *
 * @typedef {{ metaphases: number | null, cut_outs: number | null, recovered: number | null }} Measured
 */

/** @type {Record<string, string>} */
const STAINS = { "g-band": "G-band", "q-band": "Q-band", "r-band": "R-band", dapi: "DAPI", synthetic: "drawn pictures" };

/**
 * "G-band".
 *
 * @type {(stain: string) => string}
 */
export const stainName = (stain) => STAINS[stain] ?? stain;

/**
 * What is known of a model on a stain, or on every stain where a person said none; `warns` where nothing is.
 *
 * @type {(measured: Record<string, Measured>, stain: string) => { said: string, warns: boolean }}
 */
export function measuredSaid(measured, stain) {
  const known = Object.keys(measured).sort();
  const all = listed(known.map((one) => `${stainName(one)} (${scoreOf(measured[one])})`));
  if (!known.length) return { said: "This model has not been measured on anything: look at every chromosome.", warns: true };
  if (!stain) return { said: `Measured on ${all}. Not measured on ${unknown(known)}.`, warns: false };
  if (stain in measured) return { said: `Measured on ${stainName(stain)}: ${scoreOf(measured[stain])}.`, warns: false };
  const warning = `Not measured on ${stainName(stain)}: nobody knows how well this model cuts it. Look at every chromosome.`;
  return { said: `${warning} It was measured on ${all}.`, warns: true };
}

/** @type {(known: string[]) => string} */
function unknown(known) {
  const others = Object.keys(STAINS).filter((stain) => stain !== "synthetic" && !known.includes(stain));
  return [...others.map(stainName), "any other stain"].join(", ").replace(/, (?=[^,]*$)/, " or ");
}

/** @type {(measured: Measured) => string} */
function scoreOf({ metaphases, cut_outs: cutOuts, recovered }) {
  if (recovered === null) return cutOuts === null ? "how well is not known" : `on ${cutOuts} crossings cut out, not on whole pictures`;
  return `${percent(recovered)} of chromosomes right${metaphases === null ? "" : `, in ${metaphases} metaphases`}`;
}
