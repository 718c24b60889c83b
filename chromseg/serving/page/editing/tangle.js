/** The chromosomes that lie in a tangle. */

import { contains, union } from "../picture/masks.js";
import { EditError, known } from "./edits.js";

/** @import { Mask, Point } from "../picture/masks.js" */
/** @import { Instance } from "./edits.js" */
/** @import { Step } from "./session.js" */

/**
 * A tangle at work: which it was made of in the instances `before`, its axes, and the step at which it stands.
 *
 * @typedef {{ before: Instance[], ids: number[], axes: Point[][], step: Step }} Tangle
 */

const GRAZED = 4; // px that an axis may run over a chromosome beside its own

/**
 * The tangle under a new axis: the one that was drawn through last, if it is that and nothing was done since, or another.
 *
 * @type {(last: Tangle | null, step: Step, axis: Point[], chosen: number[]) => Tangle}
 */
export function joined(last, step, axis, chosen) {
  const under = idsUnder(step.instances, axis);
  const goesOn = last && last.step === step && under.some((id) => step.selected.includes(id));
  if (goesOn) {
    const ids = new Set([...last.ids, ...under.filter((id) => last.before.some((instance) => instance.id === id))]);
    return { ...last, ids: [...ids], axes: [...last.axes, axis] };
  }
  const ids = [...new Set([...chosen, ...under])];
  if (!ids.length) throw new EditError("The axis runs through no chromosome: draw it along one.");
  return { before: step.instances, ids, axes: [axis], step };
}

/**
 * The ids of those that a drawn line runs through.
 *
 * @type {(instances: Instance[], line: Point[]) => number[]}
 */
function idsUnder(instances, line) {
  const pixels = pixelsAlong(line);
  /** @type {(mask: Mask) => boolean} */
  const isUnder = (mask) => pixels.filter(([x, y]) => contains(mask, x, y)).length > GRAZED;
  return instances.filter(({ mask, status }) => status !== "rejected" && isUnder(mask)).map(({ id }) => id);
}

/**
 * All that lies in any of them.
 *
 * @type {(instances: Instance[], ids: number[]) => Mask}
 */
export function unionOf(instances, ids) {
  return union(ids.map((id) => known(instances, id).mask));
}

/**
 * The pixels under a line, about one for each of its length.
 *
 * @type {(line: Point[]) => Point[]}
 */
function pixelsAlong(line) {
  return line.slice(1).flatMap(([x1, y1], index) => {
    const [x0, y0] = line[index];
    const steps = Math.max(1, Math.round(Math.hypot(x1 - x0, y1 - y0)));
    /** @type {(step: number) => Point} */
    const place = (step) => [Math.floor(x0 + ((x1 - x0) * step) / steps), Math.floor(y0 + ((y1 - y0) * step) / steps)];
    return Array.from({ length: steps }, (_, step) => place(step));
  });
}
