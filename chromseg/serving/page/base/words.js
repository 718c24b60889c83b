/** How things are called. */

/**
 * What has become of a chromosome since it was found.
 *
 * @typedef {"found" | "accepted" | "rejected" | "changed" | "new"} Status
 */
/**
 * What there is to say of a chromosome. The score is null where no network gave one.
 *
 * @typedef {{ id: number, score: number | null, flags: string[], status: Status }} Judged
 */

/** @type {Record<string, string | undefined>} */
const FLAGS = {
  "needs-review": "the cut is doubtful",
  "three-at-crossing": "three or more seem to meet here",
  disputed: "the two networks disagree",
};
/** @type {[option: RegExp, words: string][]} */
const OPTIONS = [
  [/ ?\(--[a-z-]+\)/g, ""],
  [/--scale\b/g, "“Resize by” under “Reading options”"],
  [/--polarity\b/g, "“Chromosomes are” under “Reading options”"],
  [/raise --[a-z-]+/g, "ask whoever runs this server to allow more"],
  [/start (it|the server) with --[a-z-]+( [A-Z]+)?/g, "ask whoever runs this server to allow it"],
  [/check --[a-z-]+/g, "tell whoever runs this server"],
];
/** A lower score is a reason to look. */
export const LOW_SCORE = 0.5; // as likely wrong as right

/** @type {{ [status in Status]?: string }} */
const STATUS = { accepted: "accepted", rejected: "rejected", changed: "corrected", new: "added by hand" };

/**
 * The instances that should be looked at.
 *
 * @template {Judged} I
 * @param {I[]} instances
 */
export function doubtful(instances) {
  return instances.filter((instance) => reasons(instance) !== "");
}

/**
 * Why an instance should be looked at, in words; "" for no reason, or once a person has decided.
 *
 * @type {(instance: Judged) => string}
 */
export function reasons({ flags, score, status }) {
  if (["accepted", "rejected"].includes(status)) return "";
  const told = flags.length > 1 ? flags.filter((flag) => flag !== "needs-review") : flags;
  const words = told.map((flag) => FLAGS[flag] ?? flag.replaceAll("-", " "));
  const isLow = score !== null && score < LOW_SCORE;
  return [...words, ...(isLow ? [`low score, ${percent(score)}`] : [])].join(", ");
}

/**
 * "chromosome 3", "chromosomes 3 and 7".
 *
 * @type {(ids: number[]) => string}
 */
export function names(ids) {
  return `${ids.length === 1 ? "chromosome" : "chromosomes"} ${listed(ids)}`;
}

/**
 * "3", "3 and 7", "3, 7 and 9".
 *
 * @type {(ids: (number | string)[]) => string}
 */
export function listed(ids) {
  return ids.length < 2 ? ids.join() : `${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
}

/**
 * "93 %", or how it was made where no network scored it.
 *
 * @type {(instance: Judged) => string}
 */
export function scored({ score }) {
  return score === null ? "by hand" : percent(score);
}

/**
 * 0.93 as "93 %".
 *
 * @type {(share: number) => string}
 */
export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

/** @type {(instance: Judged) => string} */
export function verdict({ status }) {
  return STATUS[status] ?? "as found";
}

/**
 * All about one, for a screen reader and for the line under the picture.
 *
 * @type {(instance: Judged, size: number, crossed: number[]) => string}
 */
export function described(instance, size, crossed) {
  const parts = [
    `Chromosome ${instance.id}`,
    `${size} pixels`,
    instance.score === null ? "" : `score ${scored(instance)}`,
    crossed.length ? `crosses ${listed(crossed)}` : "",
    reasons(instance) && `look here: ${reasons(instance)}`,
    STATUS[instance.status] ?? "",
  ];
  return parts.filter(Boolean).join(", ");
}

/**
 * What a count says against the expected one, with so many left to look at: two faults may make a right sum.
 *
 * @type {(count: number, expected: number, left: number) => string}
 */
export function countSaid(count, expected, left) {
  const off = Math.abs(count - expected);
  if (off === 0) return left ? `As many as expected, but ${left} still to be looked at.` : "As many as expected.";
  return count < expected
    ? `${off} fewer than expected: ${off === 1 ? "one" : "some"} may still be joined, or missed.`
    : `${off} more than expected: ${off === 1 ? "one" : "some"} may be a piece, or debris.`;
}

/**
 * What the command line says, in the words of the page: what there is an option there, is a field or a person here.
 *
 * @type {(text: string) => string}
 */
export function inWords(text) {
  return OPTIONS.reduce((said, [option, words]) => said.replace(option, words), text);
}
