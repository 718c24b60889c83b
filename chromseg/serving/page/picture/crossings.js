/** Where chromosomes lie over one another. */

import { intersection } from "./masks.js";

/** @import { Mask } from "./masks.js" */

/** @typedef {{ ids: [number, number], mask: Mask }} Crossing Of two chromosomes. */

/**
 * All crossings of the instances.
 *
 * @type {(instances: { id: number, mask: Mask }[]) => Crossing[]}
 */
export function crossingsOf(instances) {
  /** @type {Crossing[]} */
  const found = [];
  instances.forEach((one, index) => {
    for (const other of instances.slice(index + 1)) {
      const mask = intersection(one.mask, other.mask);
      if (mask) found.push({ ids: [one.id, other.id], mask });
    }
  });
  return found;
}

/**
 * The numbers of those that cross one, smallest first.
 *
 * @type {(id: number, crossings: Crossing[]) => number[]}
 */
export function crossedBy(id, crossings) {
  const others = crossings.filter(({ ids }) => ids.includes(id)).map(({ ids }) => ids[0] + ids[1] - id);
  return others.sort((one, other) => one - other);
}
