/** What is taken for a logo, and what is refused with the line at fault. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { LogoError, readLogo } from '../../src/report/logo.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-logo-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function written(content: string | Buffer): string {
  const file = path.join(scratch, 'logo.svg');
  writeFileSync(file, content);
  return file;
}

const svg = (inside: string, attributes = '') =>
  `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:i="urn:editor" viewBox="0 0 10 10"${attributes}>\n${inside}\n</svg>`;

/** A PNG of one pixel but for the size that its header states. */
function png(width: number, height: number): Buffer {
  const file = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  return file;
}

describe('an SVG', () => {
  test.each([
    ['shapes', '<path d="M0 0L1 1"/><text>ACME</text>'],
    ['parts that are used', '<defs><g id="a"><path d="M0 0"/></g></defs><use xlink:href="#a"/><use href="#a"/>'],
    ['a style sheet', '<style>.a{fill:url(#b)} .b{fill:url( "#c" )}</style><path class="a"/>'],
    ['pixels', '<image href="data:image/png;base64,iVBORw0KGgo="/>'],
    ['what an editor keeps in it', '<path i:export="C:\\Users\\url(x)" d="M0 0"/><metadata>url(http://x)</metadata>'],
  ])('is taken with %s', (_, inside) => {
    const text = svg(inside);
    expect(readLogo(written(text)).url).toBe(`data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`);
  });

  test('is taken with a document type that declares nothing', () => {
    const text = `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">${svg('').slice(22)}`;
    expect(readLogo(written(text)).url).toMatch(/^data:image\/svg/);
  });

  test.each([
    ['a script', '<script>alert(1)</script>', /:3 .*<script>/],
    ['a script under another prefix', '<s:script xmlns:s="http://www.w3.org/2000/svg"/>', /<s:script>/],
    ['a handler', '\n<path onclick="alert(1)"/>', /:4 .*handler, onclick/],
    ['HTML', '<foreignObject><p>x</p></foreignObject>', /<foreignObject>/],
    ['an animation', '<set attributeName="href" to="x"/>', /<set>/],
    ['a link', '<a href="https://attack.example/"><path/></a>', /refers to something/],
    ['a script in a link', '<a xlink:href="java&#115;cript:alert(1)"><path/></a>', /refers to something/],
    ['a picture from elsewhere', '<image href="//attack.example/x.png"/>', /refers to something/],
    ['an SVG in an SVG', '<image href="data:image/svg+xml;base64,AAAA"/>', /refers to something/],
    ['a part of another file', '<use xlink:href="x.svg#y"/>', /refers to something/],
    ['a fill from elsewhere', '<path fill="url(https://attack.example/#x)"/>', /loads something by its fill/],
    ['a style from elsewhere', '<path style="fill:URL( \'https://attack.example\')"/>', /by its style/],
    ['a style sheet from elsewhere', '<style>@import "https://attack.example";</style>', /style sheet loads/],
    ['a style sheet in CDATA', '<style><![CDATA[a{fill:url(//attack.example)}]]></style>', /style sheet loads/],
    ['escapes in a style sheet', '<style>a{fill:\\75rl(//attack.example)}</style>', /style sheet loads/],
    ['an entity', '&x;', /neither a PNG nor an SVG/],
    ['an end that is missing', '<g>', /neither a PNG nor an SVG/],
    ['elements without number', '<path/>'.repeat(20_001), /more than 20000 elements/],
    ['elements nested without end', '<g>'.repeat(300), /nested too deep/],
  ])('is refused with %s', (_, inside, why) => {
    expect(() => readLogo(written(svg(inside)))).toThrow(LogoError);
    expect(() => readLogo(written(svg(inside)))).toThrow(why);
  });

  test('is refused where few elements draw many', () => {
    const ten = (id: number) => `<g id="g${id}">${`<use href="#g${id - 1}"/>`.repeat(10)}</g>`;
    const inside = `<path id="g0"/>${Array.from({ length: 12 }, (_, at) => ten(at + 1)).join('')}`;
    expect(() => readLogo(written(svg(inside)))).toThrow(/more than 20000 elements/);
    const long = Array.from({ length: 2000 }, (_, at) => `<g id="g${at + 1}"><use href="#g${at + 2}"/></g>`).join('');
    expect(() => readLogo(written(svg(long)))).toThrow(/more than 20000 elements/);
    // What uses itself draws nothing.
    expect(readLogo(written(svg('<g id="a"><use href="#a"/></g>'))).url).toMatch(/^data:/);
  });

  test.each([
    ['entities of its own', `<!DOCTYPE svg [<!ENTITY x "y">]>${svg('&x;').slice(22)}`, /document type declares/],
    [
      'a style sheet beside it',
      `<?xml-stylesheet href="x.css"?>${svg('').slice(22)}`,
      /instruction <\?xml-stylesheet\?>/,
    ],
    ['another root', '<html xmlns="http://www.w3.org/1999/xhtml"/>', /<html> is no SVG/],
    ['no name of SVG', '<svg/>', /<svg> is no SVG/],
    ['nothing', '', /neither a PNG nor an SVG/],
    ['bytes', Buffer.from([0xff, 0xfe, 0, 1]), /in UTF-8/],
  ])('is refused with %s', (_, text, why) => {
    expect(() => readLogo(written(text))).toThrow(why);
  });
});

describe('a PNG', () => {
  test('is taken by its content, whatever it is called', () => {
    expect(readLogo(written(png(1, 1))).url).toBe(`data:image/png;base64,${png(1, 1).toString('base64')}`);
  });
  test.each([
    ['too wide', png(2049, 1), /2049 × 1 pixels, and may be 2048/],
    ['too high', png(1, 100_000), /1 × 100000 pixels/],
    ['without a size', png(0, 1), /0 × 1 pixels/],
    ['cut', png(1, 1).subarray(0, 20), /damaged/],
  ])('is refused if it is %s', (_, content, why) => {
    expect(() => readLogo(written(content))).toThrow(why);
  });
});

test('a file that is too large, or none, is refused by name', () => {
  expect(() => readLogo(written(Buffer.alloc(512 * 1024 + 1)))).toThrow(
    /logo\.svg cannot be taken: it has 524289 bytes/,
  );
  expect(() => readLogo(path.join(scratch, 'none.png'))).toThrow(/none\.png cannot be taken: ENOENT/);
  expect(() => readLogo(scratch)).toThrow(/it is no file/);
});
