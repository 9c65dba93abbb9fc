/** How large a picture is, by the first bytes of its file: what is far too large is refused before a browser unpacks it. */

const HEAD_BYTES = 2 ** 18;

/**
 * Return the size of a picture.
 *
 * @param {Blob} file A PNG, JPEG or WebP file.
 * @returns {Promise<{width: number, height: number} | null>} In pixels; null if the file is of another kind.
 */
export async function sizeOf(file) {
  const bytes = new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer());
  return png(bytes) ?? webp(bytes) ?? jpeg(bytes);
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

/** Walk over the segments of a JPEG to the one that holds its size. */
function jpeg(bytes) {
  if (!has(bytes, 0, '\xff\xd8')) return null;
  for (let at = 2; at + 9 < bytes.byteLength;) {
    const kind = bytes.getUint8(at + 1);
    const isSize = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
    if (isSize) return { width: bytes.getUint16(at + 7), height: bytes.getUint16(at + 5) };
    at += 2 + bytes.getUint16(at + 2);
  }
  return null;
}
