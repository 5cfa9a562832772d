/** What is fuzzed: how inputs of each part of the program are made, and what is wrong with what it makes of them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { analyse } from '../../src/analysis/analyse.ts';
import { type Analysis, analysisSchema } from '../../src/analysis/schema.ts';
import { writeAnonymized } from '../../src/anonymize/archive.ts';
import { NameIndex } from '../../src/anonymize/names.ts';
import { Pseudonyms } from '../../src/anonymize/pseudonyms.ts';
import { Rewriter } from '../../src/anonymize/rewriter.ts';
import { survey } from '../../src/anonymize/survey.ts';
import { BundleError, readBundle } from '../../src/bundle/bundle.ts';
import { Bzip2Decoder } from '../../src/bundle/bzip2.ts';
import { DamageError, UnsupportedError } from '../../src/bundle/damage.ts';
import type { Decoder } from '../../src/bundle/decoder.ts';
import { Inflater } from '../../src/bundle/inflater.ts';
import { linesOfInterest } from '../../src/bundle/layouts/logs.ts';
import { sectionsOf } from '../../src/bundle/layouts/sections.ts';
import { XzDecoder } from '../../src/bundle/xz.ts';
import { ZstdDecoder } from '../../src/bundle/zstd.ts';
import { countRowLines } from '../../src/parsers/table/count.ts';
import { printRow } from '../../src/parsers/table/print.ts';
import { parseTableRow } from '../../src/parsers/table/row.ts';
import { parseSavedRow } from '../../src/parsers/table/save.ts';
import { TableSummariser } from '../../src/parsers/table/summariser.ts';
import { parseXmlRow } from '../../src/parsers/table/xml.ts';
import { renderHtml } from '../../src/report/html.ts';
import { inspectionOf, renderInspection } from '../../src/report/inspection.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderText } from '../../src/report/text.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import { anyQuestion, material } from '../analysis/any-capture.ts';
import { shape } from '../analysis/complaints.ts';
import { faultsOf, numbersIn, PARSERS } from '../parsers/every-parser.ts';
import { mutatedMembers, packed, type TarMember, tarOf } from './archives.ts';
import { FILES, generated } from './grammar.ts';
import { allTexts, bundleOf, foreignArchives, ownBundles, packedIn, tables } from './material.ts';
import { mutatedBytes, mutatedText } from './mutate.ts';
import type { Random } from './random.ts';

/** A part of the program that is fuzzed. */
export interface Target {
  /** Its inputs are whole archives: they take a hundred times as long as others. */
  isWhole: boolean;
  /** Opens what makes its inputs, which reads all of the material. */
  open(): Promise<(random: Random) => Buffer>;
  /** What is wrong with what it makes of an input, beside what it throws. */
  check(input: Buffer): string[] | Promise<string[]>;
}

/** Blocks whose bounds depend on nothing but what is in them. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  let seed = bytes.length;
  for (let at = 0; at < bytes.length; ) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const size = 1 + ((seed >>> 8) % (seed & 1 ? 7 : 5000));
    // A copy, which ends where the block does: what reads beyond it is found.
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

async function* stream(blocks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* blocks;
}

async function joined(blocks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const block of blocks) all.push(Buffer.from(block));
  return Buffer.concat(all);
}

const bytesOf = (text: string) => Buffer.from(text, 'utf8');

let texts: Promise<Map<string, string>> | undefined;
const everyText = () => {
  texts ??= allTexts();
  return texts;
};

/** Examples that a parser is given, beside its own. */
const MOST_EXAMPLES = 40;

/** A parser of whole texts: its example, and whatever else it understands without a complaint. */
function parser([parse, example]: (typeof PARSERS)[string]): Target {
  return {
    isWhole: false,
    async open() {
      const known: string[] = [];
      for (const text of (await everyText()).values()) {
        const { value, problems } = parse(text, 'a/file');
        if (value !== undefined && problems.length === 0) known.push(text);
        if (known.length === MOST_EXAMPLES) break;
      }
      const corpus = [...Array.from({ length: 1 + (known.length >> 2) }, () => example), ...known];
      return (random) =>
        bytesOf(random.oneIn(5) ? generated(random, random.of(FILES)) : mutatedText(random, corpus, 2048));
    },
    check: (input) => faultsOf(parse(input.toString('utf8'), 'a/file')),
  };
}

async function tableInputs(): Promise<(random: Random) => Buffer> {
  const corpus = await tables();
  const kinds = ['rows', 'rows', 'saved', 'xml'];
  return (random) => {
    if (random.oneIn(3)) return Buffer.from(generated(random, random.of(kinds)), 'latin1');
    const text = random.oneIn(3)
      ? mutatedText(random, [generated(random, random.of(kinds))])
      : mutatedText(random, corpus);
    return Buffer.from(text, random.oneIn(2) ? 'utf8' : 'latin1');
  };
}

const numberFaults = (what: string, value: unknown): string[] =>
  numbersIn(value).every((number) => Number.isFinite(number) && number >= 0)
    ? []
    : [`${what}: a number is none, or negative`];

/** One line of a table, by each of its parsers. */
const row: Target = {
  isWhole: false,
  async open() {
    const inputs = await tableInputs();
    return (random) => {
      const lines = inputs(random).toString('latin1').split('\n');
      return Buffer.from(random.of(lines), 'latin1');
    };
  },
  check(input) {
    const line = input.toString('latin1');
    return [parseTableRow, parseSavedRow, parseXmlRow].flatMap((parse) => {
      const parsed = parse(line);
      if (parsed === undefined || parsed === 'expectation') return [];
      const printed = printRow(parsed);
      const again = parseTableRow(printed.trimEnd());
      return [
        ...numberFaults(parse.name, parsed),
        ...(again === undefined ? [`${parse.name}: what it read is no row once it is printed: ${printed}`] : []),
      ];
    });
  },
};

async function summary(blocks: Iterable<Uint8Array>, families?: ('ipv4' | 'ipv6')[]) {
  // A table of addresses as small as these need: the full size takes long to set up.
  const summariser = new TableSummariser({ addressBits: 10 });
  const failure = await summariser.read('a/file', stream(blocks), families);
  return { failure, ...summariser.finish() };
}

const table: Target = {
  isWhole: false,
  open: tableInputs,
  async check(input) {
    const whole = await summary([input], ['ipv4', 'ipv6']);
    const inPieces = await summary(pieces(input), ['ipv4', 'ipv6']);
    const { entries, duplicates, byFamily, byFlag, byClass, nat, malformed } = whole;
    const sums = [byFamily, byFlag, byClass].map((tallies) => tallies.reduce((sum, tally) => sum + tally.entries, 0));
    const lines = await countRowLines(stream(pieces(input)));
    return [
      ...numberFaults('table', whole),
      ...(isDeepStrictEqual(whole, inPieces) ? [] : ['table: it depends on the blocks that it comes in']),
      ...(sums.every((sum) => sum === entries) ? [] : [`table: ${entries} entries, but ${sums}`]),
      ...(nat.none + nat.source + nat.destination + nat.both <= entries ? [] : ['table: more NAT than entries']),
      ...(duplicates.rows <= entries ? [] : ['table: more duplicates than entries']),
      ...(malformed.examples.length <= malformed.count ? [] : ['table: more examples than malformed rows']),
      ...(lines === (await countRowLines(stream([input]))) ? [] : ['count: it depends on the blocks that it comes in']),
    ];
  },
};

const MOST_UNPACKED = 64 << 20;

/** What comes out of a decoder, and why there is no more. */
function unpackedBy(decoder: Decoder, blocks: Iterable<Uint8Array>): { bytes: Buffer; why: string | undefined } {
  const made: Buffer[] = [];
  let size = 0;
  const keep = (all: Iterable<Uint8Array>) => {
    for (const block of all) {
      size += block.length;
      made.push(Buffer.from(block));
      if (size > MOST_UNPACKED) return;
    }
  };
  let why: string | undefined;
  try {
    for (const block of blocks) if (size <= MOST_UNPACKED) keep(decoder.push(block));
    if (size <= MOST_UNPACKED) keep(decoder.end());
  } catch (error) {
    if (!(error instanceof DamageError || error instanceof UnsupportedError)) throw error;
    why = error.message;
  } finally {
    decoder.close();
  }
  return { bytes: Buffer.concat(made), why };
}

/** A decompressor. What comes out, and the reason if it is damaged, have nothing to do with the blocks that it comes in. */
function decoder(format: string, open: () => Decoder, isWholeAnswer = true): Target {
  return {
    isWhole: false,
    async open() {
      const originals = packedIn(format);
      return (random) => mutatedBytes(random, random.of(originals), originals);
    },
    check(input) {
      const whole = unpackedBy(open(), [input]);
      const inPieces = unpackedBy(open(), pieces(input));
      const faults: string[] = [];
      if (whole.bytes.length <= MOST_UNPACKED && whole.why !== inPieces.why) {
        faults.push(`${format}: ${whole.why} as a whole, ${inPieces.why} in pieces`);
      } else if (whole.why === undefined || isWholeAnswer) {
        const isSame = whole.bytes.equals(inPieces.bytes) || whole.bytes.length > MOST_UNPACKED;
        if (!isSame) faults.push(`${format}: what comes out depends on the blocks that it comes in`);
      }
      if (format === 'gz') {
        let expected: Buffer | undefined;
        try {
          expected = gunzipSync(input, { maxOutputLength: MOST_UNPACKED });
        } catch {
          // Then ours may say what it likes.
        }
        // zlib takes anything for padding, and a reserved bit for nothing.
        if (expected && whole.why === undefined && !expected.equals(whole.bytes))
          faults.push('gz: zlib unpacks something else');
      }
      return faults;
    },
  };
}

const pseudonyms = new Pseudonyms(new Uint8Array(32).fill(7));

function someNames(): NameIndex {
  const index = new NameIndex();
  index.addHost('gw-west-3.acme.example.net');
  index.addHost('gw-sos.example.net');
  index.addUser('jdoe');
  index.addId('ab'.repeat(32));
  index.addRelease('2.6.16.60-0.21-smp');
  return index;
}

const rewriter: Target = {
  isWhole: false,
  async open() {
    const corpus = [
      ...(await everyText()).values(),
      'gw-west-3.acme.example.net ip-10-0-0-1 00:11:22:33:44:55 ::ffff:10.0.0.1/96',
    ];
    return (random) => {
      const text = random.oneIn(3) ? generated(random, 'rows') : mutatedText(random, corpus, 1024);
      return Buffer.from(text, random.oneIn(2) ? 'utf8' : 'latin1');
    };
  },
  check(input) {
    const rewriter = new Rewriter(pseudonyms, someNames());
    const rewritten = (blocks: Iterable<Uint8Array>) =>
      Buffer.concat([
        ...Array.from(blocks, (block) => Buffer.from(rewriter.push(block))),
        Buffer.from(rewriter.finish()),
      ]);
    const whole = rewritten([input]);
    return [
      ...(whole.equals(rewritten(pieces(input))) ? [] : ['rewriter: it depends on the blocks that a text comes in']),
      ...(linesOf(whole) === linesOf(input) ? [] : ['rewriter: another number of lines']),
    ];
  },
};

const linesOf = (bytes: Buffer) => bytes.reduce((lines, byte) => lines + (byte === 10 ? 1 : 0), 0);

/** Texts that hold several outputs, and logs of which some lines are kept. */
const sections: Target = {
  isWhole: false,
  async open() {
    const divided = [...(await everyText())].filter(([, text]) => /^(?:#=|==|\$ )/m.test(text)).map(([, text]) => text);
    const corpus = [...divided, ...Array.from(await everyText(), ([, text]) => text).slice(0, 40)];
    return (random) => Buffer.from(mutatedText(random, corpus), 'latin1');
  },
  async check(input) {
    const parts = async (blocks: Iterable<Uint8Array>) => {
      const all: unknown[] = [];
      for await (const { head, firstLine, content } of sectionsOf(stream(blocks), '#==[', 1)) {
        all.push([head, firstLine, (await joined(content)).toString('latin1')]);
      }
      return all;
    };
    const kept = await joined(linesOfInterest(stream([input])));
    const keptOfPieces = await joined(linesOfInterest(stream(pieces(input))));
    return [
      ...(isDeepStrictEqual(await parts([input]), await parts(pieces(input)))
        ? []
        : ['sections: they depend on the blocks']),
      ...(kept.equals(keptOfPieces) ? [] : ['log: it depends on the blocks']),
      ...(linesOf(kept) === linesOf(input) ? [] : ['log: another number of lines']),
    ];
  },
};

/** The container alone: every member is handed out, and nothing but a BundleError is thrown. */
const archive: Target = {
  isWhole: false,
  async open() {
    const small = [...(await ownBundles()), ...(await foreignArchives())].map((members) =>
      members.filter(({ content }) => content.length < 4096).slice(0, 12),
    );
    return (random) => packed(random, tarOf(mutatedMembers(random, random.of(small), ['proc/slabinfo\n'])));
  },
  async check(input) {
    const read = async (blocks: Iterable<Uint8Array>) => {
      const members: unknown[] = [];
      let isWhole = false;
      try {
        const { damage } = await readBundle(
          '-',
          async ({ path, name, bytes, modified, content }) => {
            const sum = createHash('sha256')
              .update(await joined(content))
              .digest('hex');
            members.push([path, name, bytes, Number(modified), sum]);
          },
          stream(blocks),
        );
        isWhole = damage === undefined;
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
      }
      return { members, isWhole };
    };
    const [one, other] = [await read([input]), await read(pieces(input))];
    // How far tar-stream gets in one that is damaged depends on its blocks: an empty header of pax has it lose its place, or not.
    const length =
      one.isWhole && other.isWhole ? undefined : Math.max(0, Math.min(one.members.length, other.members.length) - 1);
    const isSame = isDeepStrictEqual(one.members.slice(0, length), other.members.slice(0, length));
    return isSame ? [] : ['archive: what is in it depends on the blocks'];
  },
};

/** What no page may hold: the style sheet holds fonts, whose letters can spell anything. */
const HOLES = /undefined|NaN|Infinity|\[object |⟦/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** What a page has that it may not have, with what stands around it. */
function around(page: string, pattern: RegExp): string | undefined {
  const at = page.search(pattern);
  return at < 0 ? undefined : page.slice(Math.max(0, at - 60), at + 60);
}

/** Fields that are negative where the host says so: -1 is what a limit was set to that is none. */
const MAY_BE_NEGATIVE =
  /^(?:settings|persisted|usage\.max|expectations\.max|boot|inventory|ages|readings|recommendation\.today|verdict\.proof|findings\.\d+\.(?:evidence|values\.now))\b/;

function negatives(value: unknown, where = ''): string[] {
  if (typeof value === 'number') return value < 0 && !MAY_BE_NEGATIVE.test(where) ? [`${where} is ${value}`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => negatives(field, where === '' ? key : `${where}.${key}`));
}

function withoutStyle(page: string): string {
  return page.slice(0, page.indexOf('<style>')) + page.slice(page.indexOf('</style>'));
}

function analysisFaults(analysis: Analysis, source: string): string[] {
  const json = renderJson(analysis);
  const pages = {
    JSON: json,
    text: renderText(analysis),
    Markdown: renderMarkdown(analysis),
    HTML: withoutStyle(renderHtml(analysis)),
  };
  // What was captured may be such a word itself.
  const isSaid = /undefined|NaN|Infinity|\[object /.test(source);
  return [
    ...shape(analysis),
    ...(analysisSchema.safeParse(JSON.parse(json)).success ? [] : ['JSON: is no analysis']),
    ...negatives(analysis),
    ...Object.entries(pages).flatMap(([format, page]) => {
      const hole = isSaid ? undefined : around(page, HOLES);
      const control = around(page, CONTROLS);
      return [
        ...(hole === undefined ? [] : [`${format}: a hole: ${hole}`]),
        ...(control === undefined ? [] : [`${format}: a control character: ${JSON.stringify(control)}`]),
      ];
    }),
  ];
}

/** From the bytes of an archive to everything that is written of it. */
async function wholeWay(input: Buffer): Promise<string[]> {
  let captured: Awaited<ReturnType<typeof readSnapshots>>;
  try {
    captured = await readSnapshots('-', { stdin: stream([input]) });
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return [];
  }
  return captured.flatMap((capture) => {
    if ('error' in capture) return [];
    const analysis = analyse(capture.snapshot, '0');
    const inspection = renderInspection('a', inspectionOf(capture.snapshot, analysis.comparisons ?? []), 80);
    const control = around(inspection, CONTROLS);
    return [
      ...analysisFaults(analysis, JSON.stringify(capture.snapshot)),
      ...(control === undefined ? [] : [`inspection: a control character: ${JSON.stringify(control)}`]),
    ];
  });
}

function bundles(originals: () => Promise<TarMember[][]>, check: Target['check']): Target {
  return {
    isWhole: true,
    async open() {
      const archives = await originals();
      const corpus = [...(await everyText()).values()];
      return (random) => packed(random, tarOf(mutatedMembers(random, random.of(archives), corpus)));
    },
    check,
  };
}

/** Captures made by the arbitrary that the analysis is tested with, with a table of any kind. */
const captures: Target = {
  isWhole: true,
  async open() {
    const questions = anyQuestion(await material());
    const rows = await tables();
    const corpus = [...(await everyText()).values()];
    return (random) => {
      const [question] = fc.sample(questions, { seed: random.below(2 ** 31), numRuns: 1 });
      const files = new Map(question?.capture.files);
      if (files.has('proc/net/nf_conntrack')) files.set('proc/net/nf_conntrack', mutatedText(random, rows, 16_384));
      const members = bundleOf(files);
      return tarOf(random.oneIn(3) ? mutatedMembers(random, members, corpus) : members);
    };
  },
  check: wholeWay,
};

/** What is anonymised is a bundle as before. */
async function anonymised(input: Buffer): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fuzz-'));
  try {
    const [before, after] = [path.join(folder, 'before'), path.join(folder, 'after')];
    writeFileSync(before, input);
    const surveyed = await survey(before);
    const { members } = await writeAnonymized(before, surveyed, pseudonyms, after);
    if (members === 0) return [];
    let read = 0;
    const { damage } = await readBundle(after, async ({ content }) => {
      for await (const _ of content) {
        // It is read as a whole.
      }
      read++;
    });
    return [
      ...(damage === undefined ? [] : [`anonymised: ${damage}`]),
      ...(read === members ? [] : [`anonymised: ${members} members were written, ${read} are there`]),
    ];
  } catch (error) {
    if (error instanceof BundleError) return [];
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const both = async () => [...(await ownBundles()), ...(await foreignArchives())];

/** All targets, by name. */
export const TARGETS: Readonly<Record<string, Target>> = {
  ...Object.fromEntries(Object.entries(PARSERS).map(([name, each]) => [name.replaceAll(' ', '-'), parser(each)])),
  row,
  table,
  sections,
  gzip: decoder('gz', () => new Inflater()),
  // These lose a part of what comes before a damage: how much depends on the blocks.
  xz: decoder('xz', () => new XzDecoder(), false),
  bzip2: decoder('bz2', () => new Bzip2Decoder()),
  zstd: decoder('zst', () => new ZstdDecoder(), false),
  rewriter,
  archive,
  bundle: bundles(ownBundles, wholeWay),
  foreign: bundles(foreignArchives, wholeWay),
  captures,
  anonymize: bundles(both, anonymised),
};
