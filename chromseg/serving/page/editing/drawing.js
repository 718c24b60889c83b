/** What is done by drawing on the picture: split, redraw, add, axes through a tangle, brush, eraser and points. */

import { announce } from "../base/announce.js";
import { byId } from "../base/elements.js";
import { names } from "../base/words.js";
import { contains } from "../picture/masks.js";
import { placeOfNumber } from "../picture/numbers.js";
import { focusStage } from "../picture/stage.js";
import { bending } from "./bending.js";
import { cornersOf } from "./corners.js";
import { cut } from "./cut.js";
import { EditError } from "./edits.js";
import { draw } from "./pen.js";
import * as reshaping from "./reshaping.js";
import { joined, unionOf } from "./tangle.js";

/** @import { Mask, Point, Size } from "../picture/masks.js" */
/** @import { Edit } from "./edits.js" */
/** @import { Task } from "./pen.js" */
/** @import { Session } from "./session.js" */
/** @import { Tangle } from "./tangle.js" */

/**
 * Splits a tangle along axes: the server's stage 2.
 *
 * @typedef {(tangle: Mask, size: Size, axes: Point[][]) => Promise<Mask[]>} Partition
 */

const STOPPED = "Stopped. Nothing was changed.";
const broad = byId("brush", HTMLInputElement);

/**
 * The acts by name; each ends once nothing more is drawn.
 *
 * @type {(session: Session, change: (edit: Edit) => void, partition: Partition) => Record<string, () => Promise<void>>}
 */
export function drawing(session, change, partition) {
  /** @type {(point: Point) => string} */
  const at = ([x, y]) => {
    const hit = session.instances.filter(({ mask }) => contains(mask, Math.floor(x), Math.floor(y)));
    const ids = hit.map(({ id }) => id);
    return ids.length ? `on ${names(ids)}` : "beside the chromosomes";
  };
  /** @type {(id: number | undefined | null) => Point} */
  const middle = (id) => {
    const [height, width] = session.size;
    const known = session.find(id ?? null);
    return known ? placeOfNumber(known.mask, () => true) : [width / 2, height / 2];
  };
  /** @type {(what: Omit<Task, "size" | "at">) => Promise<Point[] | null>} */
  const drawn = (what) => draw({ size: session.size, at, ...what });
  /** @type {(what: Omit<Task, "size" | "at">, edit: (points: Point[]) => Edit) => Promise<void>} */
  const once = async (what, edit) => {
    const points = await drawn(what);
    focusStage();
    if (points) change(edit(points));
    else announce(STOPPED);
  };

  /** @type {(adds: boolean) => Promise<void>} */
  async function brush(adds) {
    const [id] = session.selected;
    let task = adds ? `Brush over what belongs to chromosome ${id}.` : `Rub out what does not belong to chromosome ${id}.`;
    let start = middle(id);
    for (let strokes = 0; ; strokes++) {
      const size = Number(broad.value);
      const points = await drawn({ task, closed: false, start, least: 1, more: true, broad: size, enough: () => true });
      if (!points?.length) {
        focusStage();
        return announce(strokes ? `Done with chromosome ${id}.` : STOPPED);
      }
      start = points[points.length - 1];
      const edit = reshaping.brush(session.instances, id, points, size, session.size, adds);
      change(edit);
      task = `${edit.said}. Go on, or press Enter.`;
    }
  }

  /** Axes one after the other: each has its tangle partitioned again, together with those drawn there before. */
  async function axes() {
    /** @type {Tangle | null} */
    let tangle = null;
    let chosen = session.selected;
    let task = "Draw along one chromosome of a tangle, from tip to tip.";
    for (;;) {
      const start = tangle?.axes.at(-1)?.at(-1) ?? middle(session.selected[0] ?? session.active);
      const line = await drawn({ task, closed: false, start, more: tangle !== null, before: tangle?.axes });
      if (!line?.length) {
        focusStage();
        return announce(tangle ? "Done with the axes." : STOPPED);
      }
      tangle = joined(tangle, session.step, line, chosen);
      const masks = await partition(unionOf(tangle.before, tangle.ids), session.size, tangle.axes);
      if (session.step !== tangle.step) throw new EditError("Something else was changed meanwhile: draw it again.");
      if (tangle.axes.length > 1) session.undo(); // one step, however many axes it took
      const edit = reshaping.separate(tangle.before, tangle.ids, masks);
      change(edit);
      tangle = { ...tangle, step: session.step };
      chosen = [];
      task = `${edit.said}. Draw on: another here if that is not right, or elsewhere; Enter ends.`;
    }
  }

  return {
    split: () => {
      const [id] = session.selected;
      const mask = session.maskOf(id);
      /** @type {(point: Point) => boolean} */
      const beside = ([x, y]) => !contains(mask, Math.floor(x), Math.floor(y));
      /** @type {(points: Point[]) => boolean} */
      const enough = (points) => points.length > 1 && beside(points[points.length - 1]) && cut(mask, points).length > 1;
      const task = `Draw a line right across chromosome ${id}, where it is to be cut.`;
      const start = middle(id);
      return once({ task, closed: false, start, enough }, (points) => reshaping.split(session.instances, id, points));
    },
    redraw: () => {
      const [id] = session.selected;
      const task = `Draw the outline of chromosome ${id} anew, all around it.`;
      const edit = (/** @type {Point[]} */ points) => reshaping.redraw(session.instances, id, points, session.size);
      return once({ task, closed: true, start: middle(id) }, edit);
    },
    add: () => {
      const task = "Draw the outline of the missed chromosome, all around it.";
      const edit = (/** @type {Point[]} */ points) => reshaping.add(session.instances, points, session.size);
      return once({ task, closed: true, start: middle(session.active) }, edit);
    },
    axes,
    points: async () => {
      const [id] = session.selected;
      if (!cornersOf(session.maskOf(id)).length) throw new EditError(`Chromosome ${id} is too small: redraw it.`);
      await bending(session, id, change);
      focusStage();
      announce(`Done with chromosome ${id}.`);
    },
    brush: () => brush(true),
    erase: () => brush(false),
  };
}
