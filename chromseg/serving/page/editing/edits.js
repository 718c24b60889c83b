/**
 * What a person may do to a result.
 *
 * Every edit takes all instances and gives them anew, without changing what it was given, so that undo is going back to
 * the list before.
 */

import { names } from "../base/words.js";
import { area, union } from "../picture/masks.js";
import { cut } from "./cut.js";
import { fill } from "./fill.js";

/** @import { Status } from "../base/words.js" */
/** @import { Mask, Point, Size } from "../picture/masks.js" */
/** @import { Seen } from "../picture/stage.js" */

/**
 * A chromosome at work: `from` lists the numbers it had in the result, `before` is what a rejected one was.
 *
 * @typedef {Seen & { uncertainty: number | null, from: number[], before?: Status }} Instance
 */
/**
 * What an edit gives: all instances, what was done in words, and the ids that are selected then.
 *
 * @typedef {{ instances: Instance[], said: string, selected: number[] }} Edit
 */

const SMALLEST = 10; // px of a chromosome that is drawn

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
 * Pieces of one chromosome become one, with the lowest number.
 *
 * @type {(instances: Instance[], ids: number[]) => Edit}
 */
export function join(instances, ids) {
  const parts = instances.filter(({ id }) => ids.includes(id));
  if (parts.length < 2) throw new EditError("Joining needs two: choose the other piece too.");
  const [first] = parts.map(({ id }) => id).sort((one, other) => one - other);
  const whole = union(parts.map(({ mask }) => mask));
  const joined = byHand(first, whole, parts.flatMap(({ from }) => from));
  const left = instances.filter(({ id }) => !ids.includes(id) || id === first);
  return {
    instances: left.map((instance) => (instance.id === first ? joined : instance)),
    said: `Joined ${names(ids)} into ${first}`,
    selected: [first],
  };
}

/**
 * One becomes several along a line [[x, y], …]; the largest piece keeps the number.
 *
 * @type {(instances: Instance[], id: number, points: Point[]) => Edit}
 */
export function split(instances, id, points) {
  const whole = known(instances, id);
  const pieces = cut(whole.mask, points);
  if (pieces.length < 2) {
    throw new EditError(`The line does not cut chromosome ${id}: draw it right across, from side to side.`);
  }
  const next = freshId(instances);
  const parts = pieces.map((mask, index) => byHand(index ? next + index - 1 : id, mask, whole.from));
  const ids = parts.map((part) => part.id);
  return {
    instances: instances.flatMap((instance) => (instance.id === id ? parts : [instance])),
    said: `Split chromosome ${id} into ${names(ids)}`,
    selected: ids,
  };
}

/**
 * Another outline [[x, y], …] for one, in a picture of `size` [height, width].
 *
 * @type {(instances: Instance[], id: number, points: Point[], size: Size) => Edit}
 */
export function redraw(instances, id, points, size) {
  const mask = drawn(points, size);
  const { from } = known(instances, id);
  return {
    instances: instances.map((instance) => (instance.id === id ? byHand(id, mask, from) : instance)),
    said: `Redrew chromosome ${id}`,
    selected: [id],
  };
}

/**
 * A chromosome that was missed.
 *
 * @type {(instances: Instance[], points: Point[], size: Size) => Edit}
 */
export function add(instances, points, size) {
  const id = freshId(instances);
  /** @type {Instance} */
  const missed = { ...byHand(id, drawn(points, size), []), status: "new" };
  return { instances: [...instances, missed], said: `Added chromosome ${id}`, selected: [id] };
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

/**
 * What a hand made has no score of the network's.
 *
 * @type {(id: number, mask: Mask, from: number[]) => Instance}
 */
function byHand(id, mask, from) {
  return { id, mask, score: null, flags: [], uncertainty: null, from, status: "changed" };
}

/** @type {(points: Point[], size: Size) => Mask} */
function drawn(points, size) {
  const mask = fill(points, size);
  if (!mask || area(mask) < SMALLEST) {
    throw new EditError("The outline holds almost nothing: draw it around the whole chromosome.");
  }
  return mask;
}

/**
 * Numbers are not used twice, so that a note "7 is doubtful" stays true.
 *
 * @type {(instances: Instance[]) => number}
 */
function freshId(instances) {
  return Math.max(0, ...instances.flatMap(({ id, from }) => [id, ...from])) + 1;
}
