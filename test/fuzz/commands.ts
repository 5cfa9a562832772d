/** Targets that are whole commands, on files and folders as a user names them: what they say, write and leave. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAnalysis } from '../../src/analyses.ts';
import { DEFAULT_AIMS } from '../../src/analysis/aims.ts';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { NameIndex } from '../../src/anonymize/names.ts';
import { Pseudonyms } from '../../src/anonymize/pseudonyms.ts';
import { Rewriter } from '../../src/anonymize/rewriter.ts';
import { BundleError } from '../../src/bundle/bundle.ts';
import { anonymize } from '../../src/commands/anonymize.ts';
import { compare } from '../../src/commands/compare.ts';
import { convert } from '../../src/commands/convert.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { expandInput } from '../../src/commands/inputs.ts';
import { verify } from '../../src/commands/verify.ts';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { NO_LABELS } from '../../src/fleet/labels.ts';
import { pageNames } from '../../src/fleet/pages.ts';
import type { Fleet } from '../../src/fleet/schema.ts';
import { snapshotOf } from '../../src/fleet/snapshot.ts';
import { analysesFrom, digestOf, linesOf, nameOf } from '../../src/fleet/sources.ts';
import { openFleetRenderer } from '../../src/report/fleet.ts';
import { openRenderer } from '../../src/report/index.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { shape } from '../analysis/complaints.ts';
import { member, membersOf, mutatedMembers, packed, nameOf as pathOf, type TarMember, tarOf } from './archives.ts';
import { foreignArchives, jsonAnalyses, ownBundles } from './material.ts';
import { mutatedJson, mutatedText } from './mutate.ts';
import type { Random } from './random.ts';
import { around, CONTROLS, HOLES, withoutStyle } from './reports.ts';
import { bundles, everyText, type Target } from './target.ts';

/** What a command did: its exit code, and what it said. */
interface Ran {
  exit: number;
  out: string;
  err: string;
}

/** Runs a command of this very process, and keeps what it says. */
async function ran(command: () => Promise<number>): Promise<Ran> {
  const said = { out: '', err: '' };
  const streams = [
    [process.stdout, 'out', process.stdout.write],
    [process.stderr, 'err', process.stderr.write],
  ] as const;
  for (const [stream, name] of streams) {
    stream.write = (text: string | Uint8Array) => {
      said[name] += String(text);
      return true;
    };
  }
  try {
    return { exit: await command(), ...said };
  } finally {
    for (const [stream, , write] of streams) stream.write = write;
  }
}

/** Lets a folder be listed, and removed, with all that are in it. */
function openFolders(folder: string): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) openFolders(path.join(folder, entry.name));
}

/** Gives a check a folder of its own. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fuzz-'));
  try {
    return await work(folder);
  } finally {
    openFolders(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with how a command ended: a code that is none of those, or nothing said of why it is not 0. */
function exitFaults(what: string, { exit, out, err }: Ran, codes: readonly number[]): string[] {
  const control = around(out + err, CONTROLS);
  return [
    ...(codes.includes(exit) ? [] : [`${what}: exit code ${exit}: ${err.slice(0, 200)}`]),
    ...(exit === EXIT.ok || exit === EXIT.wrong || err !== '' ? [] : [`${what}: exit code ${exit}, and no reason`]),
    ...(control === undefined ? [] : [`${what}: it says a control character: ${JSON.stringify(control)}`]),
  ];
}

const KEY = Buffer.alloc(32, 7);
const pseudonyms = new Pseudonyms(KEY);

/** Whether an address is its own pseudonym: one that verify is right to find. */
const isItself = (address: string) => new Rewriter(pseudonyms, new NameIndex()).whole(address) === address;

/** What verify found wrong, by the name of each check. */
function wrongIn(table: string): Map<string, string[]> {
  const checks = new Map<string, string[]>();
  let wrong: string[] = [];
  for (const line of table.split('\n')) {
    const [, name] = /^ {2}(\w+) +(?:ok|WRONG) {2,}/.exec(line) ?? [];
    const [, what] = /^ {12,}- (.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      wrong = [];
      if (line.includes(' WRONG ')) checks.set(name, wrong);
    } else if (what !== undefined) wrong.push(what);
  }
  return checks;
}

/** A line of the inventory whose digest is wrong stays as it is, with a size that may have been right, and of what is left out. */
const BY_DIGEST = ['Sizes', 'Missing'];

/** What anonymize makes of an input, verify finds in order, unless the input was not; and both leave nothing else behind. */
async function anonymized(input: string, folder: string): Promise<string[]> {
  const [out, keyFile] = [path.join(folder, 'after'), path.join(folder, 'key')];
  const before = new Set([...readdirSync(folder), 'key']);
  writeFileSync(keyFile, KEY.toString('hex'), { mode: 0o600 });
  const written = await ran(() => anonymize(input, { keyFile, out }));
  const left = readdirSync(folder).filter((name) => !before.has(name));
  const isWritten = written.exit !== EXIT.input;
  const faults = exitFaults('anonymize', written, [EXIT.ok, EXIT.failed, EXIT.input]);
  if (left.join() !== (isWritten ? 'after' : ''))
    faults.push(`anonymize: exit code ${written.exit}, and ${left} is there`);
  if (!isWritten || /^0 members/m.test(written.out)) return faults;
  const original = await ran(() => verify(input, { original: undefined }));
  const checked = await ran(() => verify(out, { original: input }));
  faults.push(...exitFaults('verify', original, [EXIT.ok, EXIT.wrong]));
  faults.push(...exitFaults('verify --leaks', checked, [EXIT.ok, EXIT.wrong]));
  const wasWrong = wrongIn(original.out);
  for (const [name, wrong] of wrongIn(checked.out)) {
    if (name === 'Leaks') {
      const leaks = wrong.filter((leak) => !isItself(/: address (\S+)$/.exec(leak)?.[1] ?? ''));
      if (leaks.length > 0) faults.push(`verify --leaks: ${leaks[0]}`);
    } else if (!wasWrong.has(name) && !(BY_DIGEST.includes(name) && wasWrong.has('Digests')))
      faults.push(`verify --leaks: ${name}, which was in order: ${wrong[0]}`);
  }
  return faults;
}

/** What convert makes of an input is a whole bundle that says the same. */
async function converted(input: string, folder: string): Promise<string[]> {
  const out = path.join(folder, 'converted');
  const before = new Set(readdirSync(folder));
  const run = await ran(() => convert(input, out));
  const faults = exitFaults('convert', run, [
    EXIT.ok,
    EXIT.input,
    ...(/: .* is damaged: it ends|holds a part/.test(run.err) ? [EXIT.failed] : []),
  ]);
  const left = readdirSync(folder).filter((name) => !before.has(name));
  if (left.join() !== (run.exit === EXIT.ok ? 'converted' : ''))
    faults.push(`convert: exit code ${run.exit}, and ${left} is there`);
  if (run.exit !== EXIT.ok) return faults;
  const checked = await ran(() => verify(out, { original: undefined }));
  if (checked.exit !== EXIT.ok) faults.push(`convert: ${[...wrongIn(checked.out)].flat(2).join(': ')} ${checked.err}`);
  const [one, other] = [await said(input), await said(out)];
  if (one !== other) faults.push(`convert: ${one} before, ${other} after`);
  return faults;
}

/** The figures that a report begins with. */
async function said(input: string): Promise<string> {
  const [captured] = await readSnapshots(input);
  if (captured === undefined || 'error' in captured) return 'nothing';
  const { usage, verdict, recommendation, host } = analyse(captured.snapshot, '0');
  return JSON.stringify([
    host.hostname?.value,
    usage.entries?.value,
    usage.max?.value,
    verdict.kind,
    recommendation.max,
  ]);
}

const onArchive = (check: (input: string, folder: string) => Promise<string[]>) => (input: Buffer) =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'before');
    writeFileSync(file, input);
    return check(file, folder);
  });

/** What a page of many parts may not hold, in any format. */
function pageFaults(format: string, page: string, source: string): string[] {
  // Why a document is no analysis is said in the schema's own words.
  const text = (format.endsWith('html') ? withoutStyle(page) : page.replaceAll('\r\n', '\n')).replaceAll(
    /received (?:undefined|NaN|Infinity)/g,
    '',
  );
  const hole = /undefined|NaN|Infinity|\[object /.test(source) ? undefined : around(text, HOLES);
  const control = around(text, CONTROLS);
  return [
    ...(hole === undefined ? [] : [`${format}: a hole: ${hole}`]),
    ...(control === undefined ? [] : [`${format}: a control character: ${JSON.stringify(control)}`]),
  ];
}

/** Between the documents of an input. */
const NEXT = '\f';

/** Documents that are nearly analyses, of this version and of others. */
function documents(most: number): Target['open'] {
  return async () => {
    const analyses = await jsonAnalyses();
    const texts = analyses.map((each) => JSON.stringify(each));
    return (random) => {
      const first = random.below(analyses.length);
      const all = Array.from({ length: 1 + random.below(most) }, () => {
        // Mostly of one host, at several times.
        const at = random.oneIn(3)
          ? random.below(analyses.length)
          : Math.min(analyses.length - 1, first + random.few());
        return random.oneIn(12)
          ? mutatedText(random, [texts[at] ?? '', texts[at] ?? '', ...texts], 1 << 20)
          : JSON.stringify(mutatedJson(random, analyses[at] ?? null, analyses));
      });
      return Buffer.from(all.join(NEXT));
    };
  };
}

const FORMATS = ['html', 'md', 'text', 'csv', 'openmetrics'] as const;

/** What an analysis from elsewhere asks for, and no version has: a sentence, or a value in one. */
const NO_TEXT = /The partial [\s\S]* could not be found|".*" not defined in|there is no template/;

/** `report` of JSON: what can be read as an analysis can be written in every format. */
const analysisJson: Target = {
  isWhole: true,
  open: documents(1),
  async check(input) {
    let analysis: Analysis;
    try {
      analysis = await parseAnalysis(input.toString('utf8'), 'a');
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      return [];
    }
    const render = openRenderer(analysis);
    const faults: string[] = [];
    for (const format of FORMATS) {
      try {
        faults.push(...pageFaults(format, await render.text(format), input.toString('utf8')));
      } catch (error) {
        if (!NO_TEXT.test((error as Error).message)) throw error;
      }
    }
    return faults;
  },
};

const comparison: Target = {
  isWhole: true,
  open: documents(5),
  check: (input) =>
    inFolder(async (folder) => {
      const [from, out] = [path.join(folder, 'from'), path.join(folder, 'out')];
      mkdirSync(from);
      const source = input.toString('utf8');
      for (const [at, text] of source.split(NEXT).entries()) writeFileSync(path.join(from, `${at}.json`), text);
      const options = {
        out,
        formats: ['html', 'md', 'text', 'json'],
        paper: 'a4',
        presentation: {},
        browser: undefined,
        aims: DEFAULT_AIMS,
      } as const;
      const run = await ran(() => compare([from], options));
      const faults = exitFaults('compare', run, [EXIT.ok, EXIT.input, ...(NO_TEXT.test(run.err) ? [EXIT.failed] : [])]);
      const written = readdirSync(folder).includes('out') ? readdirSync(out) : [];
      for (const name of written)
        faults.push(...pageFaults(name.replace(/.*\./, ''), readFileSync(path.join(out, name), 'utf8'), source));
      return faults;
    }),
};

/** All that `fleet --from` does but for its processes. */
const fleet: Target = {
  isWhole: true,
  open: documents(8),
  check: (input) =>
    inFolder(async (folder) => {
      const source = input.toString('utf8');
      const file = path.join(folder, 'from.jsonl');
      writeFileSync(file, source.replaceAll(NEXT, '\n'));
      const read = [];
      const unread: Fleet['unread'] = [];
      for await (const line of linesOf(file)) {
        const name = nameOf(line.source);
        if (line.failed) unread.push({ input: line.failed.input, reason: line.failed.error });
        else {
          try {
            for (const each of await analysesFrom(line.source, { aims: DEFAULT_AIMS }))
              if ('analysis' in each) read.push({ name, analysis: snapshotOf(each.analysis) });
          } catch (error) {
            if (!(error instanceof BundleError)) throw error;
            unread.push({ input: name, reason: error.message });
          }
        }
      }
      const hosts = hostsOf(read);
      const names = pageNames(hosts);
      const paged = hosts.map((host, at) => ({ host, page: names[at] }));
      const render = openFleetRenderer(fleetOf(paged, { labels: NO_LABELS, unread }, '0'));
      const faults = names.every((name) => /^[\w.-]{1,100}$/.test(name)) ? [] : [`fleet: pages ${names}`];
      for (const format of ['html', 'csv', 'json'] as const)
        faults.push(...pageFaults(format, await render.text(format), source));
      return [...faults, ...pageFaults('summary', await render.summary(), source)];
    }),
};

/** What lies outside a folder, and links in it point to. */
const SECRET = 'nf_conntrack_max = 77777777\n';
const LINKS = [
  '../secret',
  '.',
  '..',
  '/',
  'proc',
  'proc/slabinfo',
  'nothing',
  '/dev/zero',
  '/proc/self/mem',
  'x/../x',
];

/** The tar of what a folder holds: links as tar has them, FIFOs, and what nobody may read. */
const folders: Target = {
  isWhole: true,
  async open() {
    const archives = [...(await ownBundles()), ...(await foreignArchives())];
    const corpus = [...(await everyText()).values()];
    return (random) => {
      const members = mutatedMembers(random, random.of(archives), corpus);
      if (random.oneIn(3)) {
        const inner = mutatedMembers(random, random.of(archives), corpus);
        members.push(...(random.oneIn(2) ? inner : [member('inner.tar.gz', packed(random, tarOf(inner)))]));
      }
      for (let n = random.few(); n > 0; n--)
        members.splice(random.below(members.length + 1), 0, oddity(random, members));
      return tarOf(members);
    };
  },
  check: (input) =>
    inFolder(async (folder) => {
      const given = path.join(folder, 'given');
      mkdirSync(given);
      writeFileSync(path.join(folder, 'secret'), SECRET);
      unpackInto(given, membersOf(input));
      // One of them: each reads the folder several times.
      const checks = [readFolderFaults, anonymized, converted];
      return (await checks[(input.length / 512) % checks.length]?.(given, folder)) ?? [];
    }),
};

function oddity(random: Random, members: readonly TarMember[]): TarMember {
  const like = pathOf(random.of(members.length > 0 ? members : [member('x', '')])).slice(0, 90);
  const name = random.oneIn(2)
    ? like
    : path.join(path.dirname(like), random.of(['x', 'nf_conntrack', 'slabinfo', 'a.tar.gz', 'b.json']));
  switch (random.below(4)) {
    case 0:
      return linked(name, random.of([...LINKS, like]), '2');
    case 1:
      return linked(name, like, '1');
    case 2:
      return member(name, '', '6');
    default:
      return unreadable(name, random.oneIn(2));
  }
}

function linked(name: string, target: string, type: string): TarMember {
  const made = member(name, '', type);
  made.header.write(target.slice(0, 100), 157, 'utf8');
  return made;
}

function unreadable(name: string, isFolder: boolean): TarMember {
  const made = member(name, isFolder ? '' : 'x 1\n', isFolder ? '5' : '0');
  made.header.write('0000000', 100, 'latin1');
  return made;
}

/** Puts members into a folder, and nowhere else, as far as there can be such files. */
function unpackInto(folder: string, members: readonly TarMember[]): void {
  const closed: string[] = [];
  for (const each of members) {
    const parts = pathOf(each)
      .split('/')
      .filter((part) => part !== '' && part !== '.' && part !== '..');
    const file = path.join(folder, ...parts);
    const type = String.fromCharCode(each.header[156] ?? 0);
    const target = each.header.toString('utf8', 157, 257).replace(/\0.*$/s, '');
    try {
      mkdirSync(type === '5' ? file : path.dirname(file), { recursive: true });
      if (type === '6') execFileSync('mkfifo', ['--', file], { stdio: 'ignore' });
      else if (type === '2') symlinkSync(target, file);
      else if (type === '1') linkSync(path.join(folder, path.join('/', target)), file);
      else if (type !== '5') writeFileSync(file, each.content, { flag: 'wx' });
      if (each.header.toString('latin1', 100, 107) === '0000000') closed.push(file);
    } catch {
      // There is something of that name, or no file can be called so.
    }
  }
  for (const file of closed) chmodSync(file, 0);
}

async function readFolderFaults(folder: string): Promise<string[]> {
  const inputs = new Set([folder]);
  for (const deep of [false, true]) {
    try {
      for (const input of await expandInput(folder, { deep })) inputs.add(input);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
    }
  }
  const faults: string[] = [];
  for (const input of inputs) {
    try {
      await digestOf(input);
      for (const capture of input.endsWith('.json') ? [] : await readSnapshots(input)) {
        if ('error' in capture) continue;
        const source = JSON.stringify(capture.snapshot);
        if (source.includes('77777777')) faults.push('a folder: what a link points to is read');
        // Pages of it are looked at by other targets.
        faults.push(...shape(analyse(capture.snapshot, '0')));
      }
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
    }
  }
  return faults;
}

const both = async () => [...(await ownBundles()), ...(await foreignArchives())];

export const COMMAND_TARGETS: Readonly<Record<string, Target>> = {
  anonymize: bundles(both, onArchive(anonymized)),
  convert: bundles(both, onArchive(converted)),
  analysis: analysisJson,
  compare: comparison,
  fleet,
  folders,
};
