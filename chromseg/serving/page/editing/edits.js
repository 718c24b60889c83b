/**
 * What a person may say of a result, and what all edits have in common.
 *
 * Every edit takes all instances and gives them anew, without changing what it was given, so that undo is going back to
 * the list before. Those that change outlines stand in reshaping.js.
 */

import { names } from "../base/words.js";
import { area } from "../picture/masks.js";

/** @import { Status } from "../base/words.js" */
/** @import { Seen } from "../picture/stage.js" */

/**
 * A chromosome at work: `from` lists the numbers it had in the result, `before` is what a rejected one was; `chromosome`
 * and `upsideDown` are what a person said of its place in the karyogram.
 *
 * @typedef {object} Placing
 * @property {string} [chromosome]
 * @property {boolean} [upsideDown]
 * @typedef {Seen & Placing & { uncertainty: number | null, from: number[], before?: Status }} Instance
 */
/**
 * What an edit gives: all instances, what was done in words, and the ids that are selected then.
 *
 * @typedef {{ instances: Instance[], said: string, selected: number[] }} Edit
 */

/** An edit that cannot be done; its message says what to do instead. */
export class EditError extends Error {}

/**
 * A person has looked and it is right: what was flagged no longer is.
 *
 * @type {(instances: Instance[], ids: number[]) => Edit}
 */
export function accept(instances, ids) {
  /** @type {(instance: Instance) => Instance} */
  const accepted = (instance) => ({ ...instance, status: "accepted", flags: [] });
  return { ...changed(instances, ids, accepted), said: `Accepted ${names(ids)}` };
}

/**
 * It is no chromosome; done to rejected ones, they are again what they were.
 *
 * @type {(instances: Instance[], ids: number[]) => Edit}
 */
export function reject(instances, ids) {
  /** @type {(instance: Instance) => boolean} */
  const isRejected = ({ status }) => status === "rejected";
  const back = instances.filter(({ id }) => ids.includes(id)).every(isRejected);
  /** @type {(instance: Instance) => Instance} */
  const turned = (instance) => {
    if (back) return { ...instance, status: instance.before ?? instance.status };
    return isRejected(instance) ? instance : { ...instance, status: "rejected", before: instance.status };
  };
  return { ...changed(instances, ids, turned), said: `${back ? "Took back" : "Rejected"} ${names(ids)}` };
}

/**
 * Take out altogether.
 *
 * @type {(instances: Instance[], ids: number[]) => Edit}
 */
export function remove(instances, ids) {
  const left = instances.filter(({ id }) => !ids.includes(id));
  return { instances: left, said: `Deleted ${names(ids)}`, selected: [] };
}

/**
 * Take out all that are smaller than so many pixels.
 *
 * @type {(instances: Instance[], least: number) => Edit}
 */
export function removeSmall(instances, least) {
  const small = instances.filter(({ mask }) => area(mask) < least).map(({ id }) => id);
  if (!small.length) throw new EditError(`None is smaller than ${least} px.`);
  return remove(instances, small);
}

/**
 * All that was there gives way to what somebody made of the same picture before.
 *
 * @type {(instances: Instance[], said: string) => Edit}
 */
export function adopt(instances, said) {
  return { instances, said, selected: [] };
}

/**
 * The instances that are to be kept.
 *
 * @type {(instances: Instance[]) => Instance[]}
 */
export function kept(instances) {
  return instances.filter(({ status }) => status !== "rejected");
}

/**
 * The instance of a number that is one of theirs.
 *
 * @type {(instances: Instance[], id: number) => Instance}
 */
export function known(instances, id) {
  const found = instances.find((instance) => instance.id === id);
  if (!found) throw new RangeError(`no chromosome ${id} among ${instances.length}`);
  return found;
}

/** @type {(instances: Instance[], ids: number[], change: (instance: Instance) => Instance) => Omit<Edit, "said">} */
function changed(instances, ids, change) {
  return {
    instances: instances.map((instance) => (ids.includes(instance.id) ? change(instance) : instance)),
    selected: ids,
  };
}
