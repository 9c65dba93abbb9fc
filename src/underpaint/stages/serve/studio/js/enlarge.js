/**
 * Enlarging small drawings: Lanczos's window of three lobes in each direction, with colors weighted by their opacity, so that
 * nothing bleeds out of what is transparent.
 */

const LOBES = 3;

/**
 * Draw a picture into a canvas, as large as that is.
 *
 * @param {ImageBitmap} bitmap The picture.
 * @param {HTMLCanvasElement} canvas Where to; the picture's shape is kept, and it lies in the middle.
 */
export function enlarge(bitmap, canvas) {
  const scale = Math.min(canvas.width / bitmap.width, canvas.height / bitmap.height);
  const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const left = Math.floor((canvas.width - width) / 2);
  const top = Math.floor((canvas.height - height) / 2);
  if (scale < 1.5) {
    context.drawImage(bitmap, left, top, width, height);
    return;
  }
  const small = premultiplied(pixelsOf(bitmap));
  const wide = along(small, bitmap.width, bitmap.height, width, 4, bitmap.width * 4);
  const tall = along(wide, bitmap.height, width, height, width * 4, 4);
  context.putImageData(new ImageData(straight(tall), width, height), left, top);
}

function pixelsOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true })
  );
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

function premultiplied(pixels) {
  const out = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 4) {
    const opacity = pixels[i + 3] / 255;
    for (let c = 0; c < 3; c += 1) out[i + c] = pixels[i + c] * opacity;
    out[i + 3] = pixels[i + 3];
  }
  return out;
}

function straight(pixels) {
  const out = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i += 4) {
    const opacity = Math.min(Math.max(pixels[i + 3], 0), 255) / 255;
    for (let c = 0; c < 3; c += 1) out[i + c] = opacity > 0 ? pixels[i + c] / opacity : 0;
    out[i + 3] = pixels[i + 3];
  }
  return out;
}

/**
 * Make every line of some pixels longer.
 *
 * @param {Float32Array} pixels Four numbers a pixel.
 * @param {number} length Pixels of a line.
 * @param {number} lines How many lines there are.
 * @param {number} longer Pixels of a line afterwards.
 * @param {number} step Numbers from a pixel of a line to the next.
 * @param {number} stride Numbers from a line to the next.
 * @returns {Float32Array} The same lines, longer.
 */
function along(pixels, length, lines, longer, step, stride) {
  const out = new Float32Array((pixels.length / length) * longer);
  const outStride = step === 4 ? longer * 4 : 4;
  for (let at = 0; at < longer; at += 1) {
    const taps = tapsAt(((at + 0.5) * length) / longer - 0.5, length);
    for (let row = 0; row < lines; row += 1) {
      const to = at * step + row * outStride;
      for (const [from, weight] of taps) {
        const source = from * step + row * stride;
        for (let c = 0; c < 4; c += 1) out[to + c] += weight * pixels[source + c];
      }
    }
  }
  return out;
}

function tapsAt(center, length) {
  const first = Math.floor(center) - LOBES + 1;
  const taps = Array.from({ length: 2 * LOBES }, (_, i) => {
    const from = Math.min(Math.max(first + i, 0), length - 1);
    return /** @type {[number, number]} */ ([from, lanczos(center - (first + i))]);
  });
  const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
  return taps.map(([from, weight]) => /** @type {[number, number]} */ ([from, weight / total]));
}

function lanczos(x) {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}
