/**
 * The picture at work: its instances, every step back, and what is selected. Views listen to "change", "point" and
 * "piece".
 */

import { crossingsOf } from "../picture/crossings.js";
import { known } from "./edits.js";
import { toLookAt, unclaimedOf } from "./unclaimed.js";

/** @import { Crossing } from "../picture/crossings.js" */
/** @import { Mask, Size } from "../picture/masks.js" */
/** @import { Edit, Instance } from "./edits.js" */

/** @typedef {Edit & { before: number[] }} Step `selected` and `before` are the ids selected after and before it. */
/**
 * Work on a picture that was put aside.
 *
 * @typedef {{ steps: Step[], at: number, saved: Step, size: Size, pieces: Mask[] }} Snapshot
 */

export class Session extends EventTarget {
  #steps = [asFound([])];
  #at = 0;
  #saved = this.#steps[0]; // the step that was saved last
  /** @type {Size} */
  size = [0, 0]; // of the picture
  /** @type {Mask[]} */
  pieces = []; // of the picture that belonged to no instance as found
  /** @type {Mask | null} */
  piece = null; // the one of them that is looked at
  /** @type {number[]} */
  selected = []; // ids
  /** @type {number | null} */
  active = null; // the id that Tab goes to
  /** @type {number | null} */
  pointed = null; // the id that is looked at
  /** @type {Crossing[]} */
  crossings = [];
  /** @type {((id: number) => void) | null} */
  picker = null; // takes the next chosen id, which is then not selected

  /**
   * Begin with a picture's instances as found, and the pieces that belong to none.
   *
   * @type {(instances: Instance[], size: Size, pieces: Mask[]) => void}
   */
  start(instances, size, pieces) {
    const found = asFound(instances);
    this.active = null;
    this.resume({ steps: [found], at: 0, saved: found, size, pieces });
  }

  /** @type {() => Snapshot} */
  snapshot() {
    return { steps: this.#steps, at: this.#at, saved: this.#saved, size: this.size, pieces: this.pieces };
  }

  /**
   * Go on with work that was put aside.
   *
   * @type {(snapshot: Snapshot) => void}
   */
  resume({ steps, at, saved, size, pieces }) {
    this.#steps = steps;
    this.#saved = saved;
    this.size = size;
    this.pieces = pieces;
    this.picker = null;
    this.#go(at, []);
  }

  get instances() {
    return this.step.instances;
  }

  /** The pieces that belong to none as the work stands. */
  get unclaimed() {
    return unclaimedOf(this.pieces, this.instances);
  }

  /** How many instances and pieces are to be looked at. */
  get toLookAt() {
    return toLookAt(this.pieces, this.instances);
  }

  /** Where the work stands: to be handed to `markSaved` once it is saved, however much was done meanwhile. */
  get step() {
    return this.#steps[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#steps.length - 1;
  }

  /** Whether there is work that would be lost. */
  get unsaved() {
    return this.step !== this.#saved;
  }

  /** @type {(id: number | null) => Instance | undefined} */
  find(id) {
    return this.instances.find((instance) => instance.id === id);
  }

  /** @type {(id: number) => Instance["mask"]} */
  maskOf(id) {
    return known(this.instances, id).mask;
  }

  /**
   * Do one edit; what follows an undone step is forgotten.
   *
   * @type {(edit: Edit) => string}
   */
  apply(edit) {
    this.#steps = [...this.#steps.slice(0, this.#at + 1), { ...edit, before: this.selected }];
    this.#go(this.#at + 1, edit.selected);
    return edit.said;
  }

  /** Back one step; what was undone. */
  undo() {
    const { said, before } = this.step;
    this.#go(this.#at - 1, before);
    return said;
  }

  /** Forward again; what was done. */
  redo() {
    const { said, selected } = this.#steps[this.#at + 1];
    this.#go(this.#at + 1, selected);
    return said;
  }

  /**
   * A step of this picture was saved.
   *
   * @type {(step: Step) => void}
   */
  markSaved(step) {
    this.#saved = step;
    this.#tell();
  }

  /**
   * Select one, or add it to the selection.
   *
   * @type {(id: number, adding?: boolean) => void}
   */
  select(id, adding = false) {
    this.selectAll([id], adding);
  }

  /**
   * Select these, the first of which Tab goes to, or add them to the selection.
   *
   * @type {(ids: number[], adding?: boolean) => void}
   */
  selectAll(ids, adding = false) {
    this.active = ids[0] ?? this.active;
    this.#choose(adding ? [...new Set([...this.selected, ...ids])] : ids);
  }

  /**
   * Add one to the selection, or take it out.
   *
   * @type {(id: number) => void}
   */
  toggle(id) {
    const isIn = this.selected.includes(id);
    this.active = id;
    this.#choose(isIn ? this.selected.filter((other) => other !== id) : [...this.selected, id]);
  }

  selectNone() {
    this.#choose([]);
  }

  /**
   * Look at a piece that belongs to none; nothing is selected then.
   *
   * @type {(piece: Mask) => void}
   */
  lookAt(piece) {
    this.#choose([], piece);
    this.dispatchEvent(new Event("piece"));
  }

  /**
   * Look at one without selecting it; null looks away.
   *
   * @type {(id: number | null) => void}
   */
  point(id) {
    this.pointed = id;
    this.dispatchEvent(new Event("point"));
  }

  /** @type {(step: number, selected: number[]) => void} */
  #go(step, selected) {
    this.#at = step;
    const ids = this.instances.map(({ id }) => id);
    const left = selected.filter((id) => ids.includes(id));
    const last = this.active ?? 0;
    const near = ids.filter((id) => id <= last).at(-1) ?? ids[0] ?? null;
    this.active = left[0] ?? near;
    this.crossings = crossingsOf(this.instances);
    this.#choose(left);
  }

  /** @type {(selected: number[], piece?: Mask | null) => void} */
  #choose(selected, piece = null) {
    this.selected = selected;
    this.piece = piece;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @type {(instances: Instance[]) => Step} */
function asFound(instances) {
  return { instances, said: "", selected: [], before: [] };
}
