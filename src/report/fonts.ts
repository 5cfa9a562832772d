/** The fonts that a report carries, so that it looks the same wherever it is opened. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * One face for each weight, without unicode-range: where a system has no fonts of its own, Chromium prints no text at
 * all in a family that is split by ranges.
 */
const FACES = [
  { family: 'Inter', weight: 400, file: require.resolve('@fontsource/inter/files/inter-latin-400-normal.woff2') },
  { family: 'Inter', weight: 600, file: require.resolve('@fontsource/inter/files/inter-latin-600-normal.woff2') },
  {
    family: 'JetBrains Mono',
    weight: 400,
    file: require.resolve('@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2'),
  },
];

/** `@font-face` rules with the fonts in them; `families` narrows them down to what a page needs. */
export function fontFaces(families: readonly string[] = ['Inter', 'JetBrains Mono']): string {
  return FACES.filter((face) => families.includes(face.family))
    .map((face) => {
      const data = readFileSync(face.file).toString('base64');
      return `@font-face{font-family:"${face.family}";font-weight:${face.weight};font-style:normal;src:url(data:font/woff2;base64,${data}) format("woff2")}`;
    })
    .join('\n');
}
