/** Colours that neighbours do not share. */

/** @import { Mask } from "./masks.js" */

// Okabe and Ito's colours without black, with Tol's indigo and wine, as in the server's overlay: they stay apart in all
// common colour blindness. Vermillion is kept for what a person must look at.
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#882255", "#f0e442", "#332288"];
const NEIGHBOURHOOD = 8; // px

/**
 * Colour by id: from the id's own place in the palette on, the first that no neighbour before it has.
 *
 * @type {(instances: { id: number, mask: Mask }[]) => Map<number, string>}
 */
export function coloursOf(instances) {
  /** @type {Map<number, string>} */
  const colours = new Map();
  instances.forEach(({ id, mask }, index) => {
    const before = instances.slice(0, index).filter((other) => near(mask, other.mask));
    const taken = new Set(before.map((other) => colours.get(other.id)));
    const wheel = PALETTE.map((_, step) => PALETTE[(id - 1 + step) % PALETTE.length]);
    colours.set(id, wheel.find((colour) => !taken.has(colour)) ?? wheel[0]);
  });
  return colours;
}

/** @type {(one: Mask, other: Mask) => boolean} */
function near(one, other) {
  const gapX = Math.max(one.x, other.x) - Math.min(one.x + one.w, other.x + other.w);
  const gapY = Math.max(one.y, other.y) - Math.min(one.y + one.h, other.y + other.h);
  return Math.max(gapX, gapY) < NEIGHBOURHOOD;
}
