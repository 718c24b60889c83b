/** Edits that change outlines: by lines and outlines that a person drew. */

import { names } from "../base/words.js";
import { area, contains, intersection, maskWhere, subtract, union } from "../picture/masks.js";
import { AWAY, sides } from "./corners.js";
import { cut } from "./cut.js";
import { EditError, known } from "./edits.js";
import { fill, stroke } from "./fill.js";

/** @import { Mask, Point, Size } from "../picture/masks.js" */
/** @import { Corners } from "./corners.js" */
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
  const missed = fresh(instances, drawn(points, size));
  return { instances: [...instances, missed], said: `Added chromosome ${missed.id}`, selected: [missed.id] };
}

/**
 * A piece that belonged to none is a chromosome.
 *
 * @type {(instances: Instance[], piece: Mask) => Edit}
 */
export function take(instances, piece) {
  const taken = fresh(instances, piece);
  return { instances: [...instances, taken], said: `Took a piece as chromosome ${taken.id}`, selected: [taken.id] };
}

/**
 * A tangle of some instances becomes these masks; each keeps the number of the one that it shares most with.
 *
 * @type {(instances: Instance[], ids: number[], masks: Mask[]) => Edit}
 */
export function separate(instances, ids, masks) {
  const parts = ids.map((id) => known(instances, id));
  const from = [...new Set(parts.flatMap((part) => part.from))];
  let next = freshId(instances);
  let free = parts;
  const made = masks.map((mask) => {
    /** @type {(part: Instance) => number} */
    const shared = (part) => area(intersection(part.mask, mask));
    const [nearest] = free.toSorted((one, other) => shared(other) - shared(one));
    free = free.filter((part) => part !== nearest);
    return byHand(nearest ? nearest.id : next++, mask, from);
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
 * The outline of one with other corners: beside the lines that were changed it stays as it was, to the pixel.
 *
 * @type {(instances: Instance[], id: number, before: Corners, after: Corners, size: Size) => Edit}
 */
export function bend(instances, id, before, after, size) {
  if (after.some((walk) => walk.length < 3)) throw new EditError("An outline needs three points.");
  const { mask, from } = known(instances, id);
  const [old, bent] = [before, after].map((corners) => corners.flatMap((walk) => fill(walk, size) ?? []));
  const near = [...without(before, after), ...without(after, before)].flatMap((side) => stroke(side, AWAY + 1, size) ?? []);
  /** @type {(masks: Mask[], column: number, row: number) => boolean} */
  const isIn = (masks, column, row) => masks.filter((one) => contains(one, column, row)).length % 2 === 1;
  /** @type {(column: number, row: number) => boolean} */
  const inside = (column, row) => {
    const within = isIn(bent, column, row);
    const changed = within !== isIn(old, column, row) || near.some((one) => contains(one, column, row));
    return changed ? within : contains(mask, column, row);
  };
  const { x, y, w, h } = union([mask, ...bent]);
  const made = maskWhere(x, y, w, h, inside);
  if (!made || area(made) < SMALLEST) throw new EditError("That leaves almost nothing: delete it instead.");
  return {
    instances: instances.map((instance) => (instance.id === id ? byHand(id, made, from) : instance)),
    said: `Bent the outline of chromosome ${id}`,
    selected: [id],
  };
}

/**
 * Another corner on the outline of one, which stays as it is.
 *
 * @type {(instances: Instance[], id: number) => Edit}
 */
export function divide(instances, id) {
  const { mask } = known(instances, id);
  return {
    instances: instances.map((instance) => (instance.id === id ? { ...instance, mask: { ...mask } } : instance)),
    said: `Added a point to chromosome ${id}`,
    selected: [id],
  };
}

/**
 * The sides of some corners that others do not have.
 *
 * @type {(corners: Corners, others: Corners) => Point[][]}
 */
function without(corners, others) {
  const theirs = new Set(sides(others).map(String));
  return sides(corners).filter((side) => !theirs.has(String(side)));
}

/**
 * What a hand made has no score of the network's.
 *
 * @type {(id: number, mask: Mask, from: number[]) => Instance}
 */
function byHand(id, mask, from) {
  return { id, mask, score: null, flags: [], uncertainty: null, from, status: "changed" };
}

/**
 * One that was not there before.
 *
 * @type {(instances: Instance[], mask: Mask) => Instance}
 */
function fresh(instances, mask) {
  return { ...byHand(freshId(instances), mask, []), status: "new" };
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
