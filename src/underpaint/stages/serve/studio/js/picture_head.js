/** How large a picture is, by the first bytes of its file: what is far too large is refused before a browser unpacks it. */

const HEAD_BYTES = 32;
const SEGMENT_BYTES = 9;
const MAX_SEGMENTS = 10_000;

/**
 * Return the size of a picture.
 *
 * @param {Blob} file A PNG, JPEG or WebP file.
 * @returns {Promise<{width: number, height: number} | null>} In pixels; null if the file is of another kind.
 */
export async function sizeOf(file) {
  const bytes = await part(file, 0, HEAD_BYTES);
  return png(bytes) ?? webp(bytes) ?? jpeg(file, bytes);
}

/** Return some bytes of a file, fewer where it ends. */
async function part(file, at, length) {
  return new DataView(await file.slice(at, at + length).arrayBuffer());
}

function has(bytes, at, text) {
  return (
    bytes.byteLength >= at + text.length &&
    [...text].every((letter, i) => bytes.getUint8(at + i) === letter.charCodeAt(0))
  );
}

function png(bytes) {
  return has(bytes, 0, '\x89PNG') && bytes.byteLength >= 24
    ? { width: bytes.getUint32(16), height: bytes.getUint32(20) }
    : null;
}

function webp(bytes) {
  if (!has(bytes, 0, 'RIFF') || !has(bytes, 8, 'WEBP') || bytes.byteLength < 30) return null;
  if (has(bytes, 12, 'VP8X')) return { width: 1 + three(bytes, 24), height: 1 + three(bytes, 27) };
  if (has(bytes, 12, 'VP8L')) {
    const bits = bytes.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff) };
  }
  return { width: bytes.getUint16(26, true) & 0x3fff, height: bytes.getUint16(28, true) & 0x3fff };
}

function three(bytes, at) {
  return bytes.getUint16(at, true) + (bytes.getUint8(at + 2) << 16);
}

/** Walk over the segments of a JPEG to the one that holds its size; profiles and previews before it may be long. */
async function jpeg(file, bytes) {
  if (!has(bytes, 0, '\xff\xd8')) return null;
  let at = 2;
  for (let count = 0; count < MAX_SEGMENTS; count += 1) {
    const segment = await part(file, at, SEGMENT_BYTES);
    if (segment.byteLength < SEGMENT_BYTES || segment.getUint8(0) !== 0xff) return null;
    const kind = segment.getUint8(1);
    const isSize = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
    if (isSize) return { width: segment.getUint16(7), height: segment.getUint16(5) };
    at += kind === 0xff ? 1 : 2 + segment.getUint16(2);
  }
  return null;
}
