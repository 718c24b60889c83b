/**
 * What a person may do to a result.
 *
 * An instance is {id, mask, score, flags, uncertainty, from, status}: `from` lists the numbers it had in the result,
 * `status` is "found", "accepted", "rejected" (then `before` is what it was), "changed" or "new". Every edit takes all instances and gives
 * {instances, said, selected} without changing what it was given, so that undo is going back to the list before.
 */

import { cut } from "./cut.js";
import { fill } from "./fill.js";
import { area, union } from "../picture/masks.js";
import { names } from "../base/words.js";

const SMALLEST = 10; // px of a chromosome that is drawn

/** An edit that cannot be done; its message says what to do instead. */
export class EditError extends Error {}

/** A person has looked and it is right: what was flagged no longer is. */
export function accept(instances, ids) {
  const accepted = (instance) => ({ ...instance, status: "accepted", flags: [] });
  return { ...changed(instances, ids, accepted), said: `Accepted ${names(ids)}` };
}

/** It is no chromosome; done to rejected ones, they are again what they were. */
export function reject(instances, ids) {
  const isRejected = ({ status }) => status === "rejected";
  const back = instances.filter(({ id }) => ids.includes(id)).every(isRejected);
  const turned = (instance) => {
    if (back) return { ...instance, status: instance.before };
    return isRejected(instance) ? instance : { ...instance, status: "rejected", before: instance.status };
  };
  return { ...changed(instances, ids, turned), said: `${back ? "Took back" : "Rejected"} ${names(ids)}` };
}

/** Take out altogether. */
export function remove(instances, ids) {
  const left = instances.filter(({ id }) => !ids.includes(id));
  return { instances: left, said: `Deleted ${names(ids)}`, selected: [] };
}

/** Pieces of one chromosome become one, with the lowest number. */
export function join(instances, ids) {
  const parts = instances.filter(({ id }) => ids.includes(id));
  if (parts.length < 2) throw new EditError("Joining needs two: choose the other piece too.");
  const [first] = parts.map(({ id }) => id).sort((one, other) => one - other);
  const joined = byHand(first, union(parts.map(({ mask }) => mask)), parts.flatMap(({ from }) => from));
  const left = instances.filter(({ id }) => !ids.includes(id) || id === first);
  return {
    instances: left.map((instance) => (instance.id === first ? joined : instance)),
    said: `Joined ${names(ids)} into ${first}`,
    selected: [first],
  };
}

/** One becomes several along a line [[x, y], …]; the largest piece keeps the number. */
export function split(instances, id, points) {
  const whole = instances.find((instance) => instance.id === id);
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

/** Another outline [[x, y], …] for one, in a picture of `size` [height, width]. */
export function redraw(instances, id, points, size) {
  const mask = drawn(points, size);
  const { from } = instances.find((instance) => instance.id === id);
  return {
    instances: instances.map((instance) => (instance.id === id ? byHand(id, mask, from) : instance)),
    said: `Redrew chromosome ${id}`,
    selected: [id],
  };
}

/** A chromosome that was missed. */
export function add(instances, points, size) {
  const id = freshId(instances);
  const missed = { ...byHand(id, drawn(points, size), []), status: "new" };
  return { instances: [...instances, missed], said: `Added chromosome ${id}`, selected: [id] };
}

/** The instances that are to be kept. */
export function kept(instances) {
  return instances.filter(({ status }) => status !== "rejected");
}

function changed(instances, ids, change) {
  return {
    instances: instances.map((instance) => (ids.includes(instance.id) ? change(instance) : instance)),
    selected: ids,
  };
}

/** What a hand made has no score of the network's. */
function byHand(id, mask, from) {
  return { id, mask, score: null, flags: [], uncertainty: null, from, status: "changed" };
}

function drawn(points, size) {
  const mask = fill(points, size);
  if (!mask || area(mask) < SMALLEST) {
    throw new EditError("The outline holds almost nothing: draw it around the whole chromosome.");
  }
  return mask;
}

/** Numbers are not used twice, so that a note "7 is doubtful" stays true. */
function freshId(instances) {
  return Math.max(0, ...instances.flatMap(({ id, from }) => [id, ...from])) + 1;
}
