/** What a person says of a chromosome's place in the karyogram. */

import { known } from "./edits.js";

/** @import { Edit, Instance } from "./edits.js" */

/**
 * It is of this class, "1" … "22", "X" or "Y".
 *
 * @type {(instances: Instance[], id: number, chromosome: string) => Edit}
 */
export function place(instances, id, chromosome) {
  return said(instances, id, { chromosome }, `Put chromosome ${id} into place ${chromosome}`);
}

/**
 * Its short arm is at this end.
 *
 * @type {(instances: Instance[], id: number, upsideDown: boolean) => Edit}
 */
export function turn(instances, id, upsideDown) {
  return said(instances, id, { upsideDown }, `Turned chromosome ${id}`);
}

/** @type {(instances: Instance[], id: number, change: Partial<Instance>, words: string) => Edit} */
function said(instances, id, change, words) {
  known(instances, id);
  const told = instances.map((instance) => (instance.id === id ? { ...instance, ...change } : instance));
  return { instances: told, said: words, selected: [id] };
}
