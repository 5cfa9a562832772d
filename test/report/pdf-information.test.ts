import { expect, test } from 'vitest';
import { withInformation } from '../../src/report/pdf-information.ts';

/** A file as Skia writes one, of one object. */
function pdf(information: string): Buffer {
  const head = '%PDF-1.4\n';
  const object = `1 0 obj\n<<${information}>>\nendobj\n`;
  const table = `xref\n0 2\n0000000000 65535 f \n${String(head.length).padStart(10, '0')} 00000 n \n`;
  const trailer = `trailer\n<</Size 2\n/Root 9 0 R\n/Info 1 0 R>>\nstartxref\n${head.length + object.length}\n%%EOF\n`;
  return Buffer.from(head + object + table + trailer, 'latin1');
}

const TITLE = '/Title (a >> b \\) 1 0 obj)\n/Creator (x)';

test('an entry is added behind the file, which stays as it was', () => {
  const [before, after] = [pdf(TITLE), withInformation(pdf(TITLE), { Author: 'Jané \u{1f600} >> ) endobj' })];
  expect(after.subarray(0, before.length).equals(before)).toBe(true);
  const text = after.toString('latin1');
  const [, xref = '', offset = ''] = /startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[0].match(/(\d+)/) ?? [];
  const at = Number(xref || offset);
  expect(text.slice(at)).toMatch(
    /^xref\n1 1\n\d{10} 00000 n \ntrailer\n<<\/Size 2\n\/Root 9 0 R\n\/Info 1 0 R\n\/Prev \d+>>\n/,
  );
  const [, object = '0'] = /1 1\n(\d{10})/.exec(text.slice(at)) ?? [];
  const [, hex = ''] = /\/Author <FEFF([0-9A-F]+)>/.exec(text.slice(Number(object), at)) ?? [];
  expect(text.slice(Number(object))).toMatch(/^1 0 obj\n<<\/Title \(a >> b/);
  expect(Buffer.from(hex, 'hex').swap16().toString('utf16le')).toBe('Jané \u{1f600} >> ) endobj');
  const [, previous = '0'] = /\/Prev (\d+)/.exec(text.slice(at)) ?? [];
  expect(text.slice(Number(previous))).toMatch(/^xref\n0 2\n/);
});

test('without entries, or in a file of another form, nothing is changed', () => {
  const [file, other] = [pdf(TITLE), Buffer.from('%PDF-1.7\n%%EOF\n')];
  expect(withInformation(file, {})).toBe(file);
  expect(withInformation(other, { Author: 'x' })).toBe(other);
});
