/** Edits that change outlines: by lines and outlines that a person drew. */

import { names } from "../base/words.js";
import { area, intersection, subtract, union } from "../picture/masks.js";
import { cut } from "./cut.js";
import { EditError, known } from "./edits.js";
import { fill, stroke } from "./fill.js";

/** @import { Mask, Point, Size } from "../picture/masks.js" */
/** @import { Edit, Instance } from "./edits.js" */

const SMALLEST = 10; // px of a chromosome that is drawn

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
 * A tangle of some instances becomes these masks; each keeps the number of the one that it shares most with.
 *
 * @type {(instances: Instance[], ids: number[], masks: Mask[]) => Edit}
 */
export function separate(instances, ids, masks) {
  const parts = ids.map((id) => known(instances, id));
  const from = [...new Set(parts.flatMap((part) => part.from))];
  let fresh = freshId(instances);
  let free = parts;
  const made = masks.map((mask) => {
    /** @type {(part: Instance) => number} */
    const shared = (part) => area(intersection(part.mask, mask));
    const [nearest] = free.toSorted((one, other) => shared(other) - shared(one));
    free = free.filter((part) => part !== nearest);
    return byHand(nearest ? nearest.id : fresh++, mask, from);
  });
  made.sort((one, other) => one.id - other.id);
  const place = instances.findIndex(({ id }) => ids.includes(id));
  const left = instances.filter(({ id }) => !ids.includes(id));
  const selected = made.map(({ id }) => id);
  return {
    instances: left.toSpliced(place, 0, ...made),
    said: `Made ${names(selected)} of ${names(ids)}`,
    selected,
  };
}

/**
 * What lies under a brush goes to one, or is taken from it.
 *
 * @type {(instances: Instance[], id: number, points: Point[], broad: number, size: Size, adds: boolean) => Edit}
 */
export function brush(instances, id, points, broad, size, adds) {
  const { mask, from } = known(instances, id);
  const under = stroke(points, broad / 2, size);
  const changed = !under ? mask : adds ? union([mask, under]) : subtract(mask, under);
  if (area(changed) < SMALLEST || !changed) throw new EditError("That leaves almost nothing: delete it instead.");
  return {
    instances: instances.map((instance) => (instance.id === id ? byHand(id, changed, from) : instance)),
    said: adds ? `Added to chromosome ${id}` : `Took from chromosome ${id}`,
    selected: [id],
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
