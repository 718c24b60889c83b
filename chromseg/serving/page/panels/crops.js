/** Single chromosomes cut out of the picture, dark on white. */

/** @import { Mask } from "../picture/masks.js" */

const MARGIN = 5; // px
const NO_CANVAS = "this browser draws on no canvas: use a current one";

/** @type {ImageData | null} */
let pixels = null; // of the picture

/**
 * The pixels of a picture.
 *
 * @type {(url: string) => Promise<ImageData>}
 */
export async function pixelsOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error(NO_CANVAS);
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/**
 * From now on cut from this picture.
 *
 * @type {(picture: ImageData) => void}
 */
export function cropFrom(picture) {
  pixels = picture;
}

/**
 * Draw one on a canvas, `scale` screen pixels for one of the picture.
 *
 * @type {(canvas: HTMLCanvasElement, mask: Mask, scale: number) => void}
 */
export function drawCrop(canvas, { x, y, w, h, bits }, scale) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error(NO_CANVAS);
  if (!pixels) throw new Error("no picture to cut from: call cropFrom first");
  const { data, width } = pixels;
  canvas.width = w + 2 * MARGIN;
  canvas.height = h + 2 * MARGIN;
  canvas.style.width = `${canvas.width * scale}px`;
  const crop = new ImageData(canvas.width, canvas.height);
  crop.data.fill(255);
  bits.forEach((bit, place) => {
    if (!bit) return;
    const column = place % w;
    const row = (place - column) / w;
    const from = 4 * ((y + row) * width + x + column);
    crop.data.set(data.subarray(from, from + 4), 4 * ((row + MARGIN) * canvas.width + column + MARGIN));
  });
  context.putImageData(crop, 0, 0);
}

/**
 * The scale at which the larger side of the largest of these masks takes `side` screen pixels.
 *
 * @type {(masks: Mask[], side: number, most?: number) => number}
 */
export function scaleFor(masks, side, most = 3) {
  const largest = Math.max(1, ...masks.map(({ w, h }) => Math.max(w, h))) + 2 * MARGIN;
  return Math.min(side / largest, most);
}
