import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** Index of `cmap` among the table names that WOFF2 numbers; 10 and 11 are the two that are transformed by default. */
const CMAP = 0;
const [GLYF, LOCA] = [10, 11];
const NAMED = 63;

/** The code points that a WOFF2 font has glyphs for (https://www.w3.org/TR/WOFF2/, formats 4 and 12 of `cmap`). */
export function codePointsOf(file: string): Set<number> {
  const font = readFileSync(file);
  const tables = font.readUInt16BE(12);
  let at = 48;
  const base128 = () => {
    let value = 0;
    for (;;) {
      const byte = font.readUInt8(at++);
      value = value * 128 + (byte & 127);
      if ((byte & 128) === 0) return value;
    }
  };
  let offset = 0;
  let start = -1;
  for (let i = 0; i < tables; i++) {
    const flags = font.readUInt8(at++);
    const table = flags & 63;
    const version = flags >> 6;
    if (table === NAMED) at += 4;
    const length = base128();
    const transformed = table === GLYF || table === LOCA ? version === 0 : version !== 0;
    const stored = transformed ? base128() : length;
    if (table === CMAP) start = offset;
    offset += stored;
  }
  const cmap = brotliDecompressSync(font.subarray(at, at + font.readUInt32BE(20))).subarray(start);
  const points = new Set<number>();
  for (let i = 0; i < cmap.readUInt16BE(2); i++) {
    const sub = cmap.readUInt32BE(8 + i * 8);
    const format = cmap.readUInt16BE(sub);
    const ranges: [number, number][] = [];
    if (format === 12)
      for (let g = 0; g < cmap.readUInt32BE(sub + 12); g++)
        ranges.push([cmap.readUInt32BE(sub + 16 + g * 12), cmap.readUInt32BE(sub + 20 + g * 12)]);
    if (format === 4) {
      const segments = cmap.readUInt16BE(sub + 6) / 2;
      for (let s = 0; s < segments; s++)
        ranges.push([cmap.readUInt16BE(sub + 16 + segments * 2 + s * 2), cmap.readUInt16BE(sub + 14 + s * 2)]);
    }
    for (const [from, to] of ranges) for (let c = from; c <= to && c !== 0xffff; c++) points.add(c);
  }
  return points;
}
