import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linesOfInterest } from '../../../src/bundle/layouts/logs.ts';
import { sectionsOf } from '../../../src/bundle/layouts/sections.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of content) text += Buffer.from(chunk).toString('latin1');
  return text;
}

async function divided(text: string, size: number, more = 1) {
  const parts: { head: string[]; firstLine: number; body: string }[] = [];
  for await (const { head, firstLine, content } of sectionsOf(inPieces(text, size), '#==[', more)) {
    parts.push({ head: head.map((line) => line.text), firstLine, body: await textOf(content) });
  }
  return parts;
}

const TEXT = [
  'a preface',
  '#==[ Command ]======#',
  '# /bin/uname -a',
  'Linux gw',
  '',
  '#==[ Configuration File ]===#',
  '# /proc/slabinfo',
  'nf_conntrack 1 2',
  ' #==[ not at the start',
  '#==[ Empty ]#',
  '#==[ Last ]#',
  '# /bin/date',
  'without an end',
].join('\n');

describe('a text is divided at its heads', () => {
  test.each([1, 2, 3, 7, 16, 1000])('in pieces of %d bytes', async (size) => {
    expect(await divided(TEXT, size)).toEqual([
      { head: ['#==[ Command ]======#', '# /bin/uname -a'], firstLine: 4, body: 'Linux gw\n\n' },
      {
        head: ['#==[ Configuration File ]===#', '# /proc/slabinfo'],
        firstLine: 8,
        body: 'nf_conntrack 1 2\n #==[ not at the start\n',
      },
      { head: ['#==[ Empty ]#'], firstLine: 11, body: '' },
      { head: ['#==[ Last ]#', '# /bin/date'], firstLine: 13, body: 'without an end' },
    ]);
  });

  test('a part that nobody reads is passed over', async () => {
    const heads: string[] = [];
    for await (const { head } of sectionsOf(inPieces(TEXT, 5), '#==[', 0)) heads.push(head[0]?.text ?? '');
    expect(heads).toHaveLength(4);
  });

  test('line numbers are those of the member, and no byte is lost, whatever the text', async () => {
    const line = fc.oneof(
      fc.constantFrom('#==[ A ]#', '#==[', '# /x', '', '#=='),
      fc.string({ maxLength: 12, unit: 'binary-ascii' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.integer({ min: 1, max: 40 }), async (lines, size) => {
        const text = lines.join('\n');
        const whole = text.split('\n');
        for (const { head, firstLine, body } of await divided(text, size)) {
          expect(whole[firstLine - 1 - head.length]).toBe(head[0]);
          const length = body.split('\n').length - (body.endsWith('\n') || body === '' ? 1 : 0);
          expect(whole.slice(firstLine - 1, firstLine - 1 + length).join('\n')).toBe(body.replace(/\n$/, ''));
        }
        const starts = whole.filter((each) => each.startsWith('#==[')).length;
        expect((await divided(text, size, 0)).length).toBe(starts);
      }),
    );
  });

  test('a line of megabytes is handed on in pieces', async () => {
    const text = `#==[ A ]#\n# /x\n${'y'.repeat(3_000_000)}\n#==[ B ]#\n# /z\nend\n`;
    const parts = await divided(text, 100_000);
    expect(parts.map(({ body }) => body.length)).toEqual([3_000_001, 4]);
    expect(parts[1]?.firstLine).toBe(6);
  });
});

describe('of a log the lines of interest are kept', () => {
  test.each([1, 3, 50, 10_000])('where they were, in pieces of %d bytes', async (size) => {
    const log = ['boot', 'nf_conntrack: table full', 'usb', 'net_ratelimit: 3 callbacks suppressed', 'end', ''].join(
      '\n',
    );
    expect(await textOf(linesOfInterest(inPieces(log, size)))).toBe(
      '\nnf_conntrack: table full\n\nnet_ratelimit: 3 callbacks suppressed\n\n',
    );
  });

  test('the last ones, where there are too many', async () => {
    const log = Array.from({ length: 70_000 }, (_, at) => `conntrack ${at}\n`).join('');
    const kept = (await textOf(linesOfInterest(inPieces(log, 1 << 16)))).split('\n');
    expect(kept).toHaveLength(70_001);
    expect(kept.filter(Boolean)).toHaveLength(20_000);
    expect(kept[69_999]).toBe('conntrack 69999');
  });
});
