/** Moving a point of the picture by arrow keys. */

/** @import { Point } from "../picture/masks.js" */

export const STEP = 5; // px of the picture that an arrow key moves; with Shift 1

/** @type {Record<string, Point | undefined>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * A place along one side of the picture, within it.
 *
 * @type {(value: number, most: number) => number}
 */
export const clamp = (value, most) => Math.min(Math.max(value, 0), most);
