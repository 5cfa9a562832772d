import { Sums } from '../anonymize/digest.ts';
import { type Digest, isTrue } from '../anonymize/inventory.ts';
import { findLeaks, type Leaks } from '../anonymize/leaks.ts';
import { type BundleEnd, BundleError, inputName, type Member, readBundle } from '../bundle/bundle.ts';
import { Budget, type Limits } from '../bundle/limits.ts';
import { parseInventory, parseManifest } from '../parsers/bundle-csv.ts';
import { printable } from '../report/inert.ts';
import { FORMAT_VERSION } from '../snapshot/read.ts';
import type { InventoryItem } from '../snapshot/types.ts';
import { EXIT } from './exit-codes.ts';
import { failed } from './messages.ts';

export interface VerifyOptions {
  /** The bundle before it was anonymised, of which nothing may be left. */
  original: string | undefined;
  limits?: Limits | undefined;
}

/** A line of the table: what was checked, how it is, and what is wrong with it. */
interface Check {
  name: string;
  says: string;
  wrong: string[];
  /** How many more are wrong that are not named. */
  more?: number;
}

/** What is named of each kind of mistake; the rest is counted. */
const SHOWN = 20;
/** The bundle's own lists; a larger file is none. */
const MAX_LIST_BYTES = 16 << 20;
/** These are not in the inventory. */
const UNLISTED = new Set(['manifest.csv', 'inventory.csv']);

/** A bundle as it was read. */
interface Read {
  members: Map<string, Digest & { isCut: boolean }>;
  twice: string[];
  lists: Map<string, string>;
  end: BundleEnd;
}

/**
 * Checks a bundle against its own inventory, and that nothing of its original is left in it.
 *
 * @returns exit code
 */
export async function verify(input: string, { original, limits }: VerifyOptions): Promise<number> {
  let checks: Check[];
  try {
    if (input === '-' || original === '-') {
      throw new BundleError('verify may read its input twice: save standard input to a file first');
    }
    checks = checksOf(await read(input, limits), original !== undefined);
    if (original !== undefined) checks.push(...leakChecks(await findLeaks(input, original, limits)));
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return failed(EXIT.input, error.message);
  }
  const wrong = checks.reduce((sum, check) => sum + check.wrong.length + (check.more ?? 0), 0);
  process.stdout.write(printable(`${inputName(input)}\n\n${tableOf(checks)}\n\n${conclusion(wrong, original)}\n`));
  return wrong > 0 ? EXIT.wrong : EXIT.ok;
}

async function read(input: string, limits: Limits | undefined): Promise<Read> {
  const first = await readOnce(input, limits, false);
  // A sum of cksum takes as long as everything else: only where it is needed.
  return first.lists.get('inventory.csv')?.includes(',cksum:') ? readOnce(input, limits, true) : first;
}

async function readOnce(input: string, limits: Limits | undefined, withCksum: boolean): Promise<Read> {
  const members: Read['members'] = new Map();
  const twice: string[] = [];
  const lists = new Map<string, string>();
  const visit = async ({ path, bytes, content }: Member) => {
    const sums = new Sums(withCksum);
    const blocks: Buffer[] = [];
    let read = 0;
    for await (const block of content) {
      sums.add(block);
      read += block.length;
      if (UNLISTED.has(path) && read <= MAX_LIST_BYTES) blocks.push(Buffer.from(block));
    }
    if (members.has(path)) twice.push(path);
    members.set(path, { ...sums.digest(), isCut: read < bytes });
    if (UNLISTED.has(path)) lists.set(path, Buffer.concat(blocks).toString('utf8'));
  };
  const end = await readBundle(input, visit, undefined, new Budget(limits));
  return { members, twice, lists, end };
}

/** @param isForLeaks of an archive without lists of its own there is something else to check */
function checksOf({ members, twice, lists, end }: Read, isForLeaks: boolean): Check[] {
  const cut = [...members].filter(([, { isCut }]) => isCut).map(([path]) => `${path} is cut`);
  const archive: Check = {
    name: 'Archive',
    says: `${members.size} members`,
    wrong: [
      ...(end.damage === undefined ? [] : [end.damage]),
      ...cut,
      ...twice.map((path) => `${path} is in it twice`),
    ],
  };
  if (lists.size === 0) {
    const lists = 'no bundle of collect.sh: neither manifest.csv nor inventory.csv says what belongs in it';
    return [archive, { name: 'Inventory', says: 'none', wrong: isForLeaks ? [] : [lists] }];
  }
  return [archive, formatCheck(lists.get('manifest.csv')), ...inventoryChecks(lists.get('inventory.csv'), members)];
}

function formatCheck(text: string | undefined): Check {
  if (text === undefined) return { name: 'Format', says: 'not known', wrong: ['there is no manifest.csv'] };
  const { value, problems } = parseManifest(text, 'manifest.csv');
  const version = value?.get('format_version') ?? '';
  const anonymized = value?.get('anonymized');
  const isKnown = /^\d+$/.test(version) && Number(version) >= 1 && Number(version) <= FORMAT_VERSION;
  return {
    name: 'Format',
    says: `version ${version || 'not known'}${anonymized ? `, anonymised: ${anonymized}` : ''}`,
    wrong: [
      ...problems.map(({ what }) => `manifest.csv ${what}`),
      ...(isKnown ? [] : [`format version ${version || 'not known'}: expected 1 to ${FORMAT_VERSION}`]),
    ],
  };
}

function inventoryChecks(text: string | undefined, members: Read['members']): Check[] {
  if (text === undefined) {
    return [{ name: 'Inventory', says: 'nothing to check against', wrong: ['there is no inventory.csv'] }];
  }
  const { value: items = [], problems } = parseInventory(text, 'inventory.csv');
  const listed = items.filter(({ status }) => status === 'captured' || status === 'cut');
  const paths = new Set(listed.map(({ path }) => path));
  const present = listed.filter(({ path }) => members.has(path));
  const matches = (item: InventoryItem, what: 'size' | 'digest') => {
    const member = members.get(item.path);
    if (member === undefined) return true;
    return what === 'size' ? isTrue(member, String(item.bytes ?? '')) : isTrue(member, '', item.digest);
  };
  const differing = (what: 'size' | 'digest') =>
    present.filter((item) => !matches(item, what)).map(({ path }) => `${path} has another ${what}`);
  const counted = (what: string, known: number) =>
    known === present.length ? `${known}` : `${known} of ${present.length}; of the others the inventory has no ${what}`;
  return [
    {
      name: 'Inventory',
      says: `${items.length} lines, ${listed.length} captured`,
      wrong: problems.map(({ what }) => `inventory.csv ${what}`),
    },
    {
      name: 'Sizes',
      says: counted('size', present.filter(({ bytes }) => bytes !== undefined).length),
      wrong: differing('size'),
    },
    {
      name: 'Digests',
      says: counted('digest', present.filter(({ digest }) => digest !== undefined).length),
      wrong: differing('digest'),
    },
    {
      name: 'Missing',
      says: 'listed, and not in the bundle',
      wrong: listed.filter(({ path }) => !members.has(path)).map(({ path }) => `${path} is missing`),
    },
    {
      name: 'Unlisted',
      says: 'in the bundle, and not listed',
      wrong: [...members.keys()]
        .filter((path) => !paths.has(path) && !UNLISTED.has(path))
        .map((path) => `${path} is not listed`),
    },
  ];
}

function leakChecks(found: Leaks): Check[] {
  const { leaks, count, opaque } = found;
  const looked = `addresses (${found.addresses}), hardware addresses (${found.hardwareAddresses}), ids (${found.ids}) and names (${found.names})`;
  const chance = found.chance > 0 ? `; ${found.chance} pseudonyms happen to be another address of the original` : '';
  const named = leaks.map(
    ({ path, line, kind, text }) => `${path}${line > 0 ? `:${line}` : ', in its name'}: ${kind} ${text}`,
  );
  return [
    {
      name: 'Leaks',
      says: `of the original’s ${looked}${chance}`,
      wrong: named,
      more: count - leaks.length,
    },
    {
      name: 'Searched',
      says: 'every member as text, and every trace of the original',
      wrong: [
        ...opaque.map((path) => `${path} is no text`),
        ...(found.isIncomplete
          ? ['the original has more addresses or ids than can be kept: the others were not looked for']
          : []),
      ],
    },
  ];
}

function tableOf(checks: readonly Check[]): string {
  const longest = Math.max(...checks.map(({ name }) => name.length));
  const indent = ' '.repeat(longest + 11);
  const lines = checks.flatMap(({ name, says, wrong, more: unnamed = 0 }) => {
    const more = unnamed + Math.max(0, wrong.length - SHOWN);
    return [
      `  ${name.padEnd(longest)}  ${wrong.length === 0 ? 'ok   ' : 'WRONG'}  ${says}`,
      ...wrong.slice(0, SHOWN).map((each) => `${indent}- ${each}`),
      ...(more > 0 ? [`${indent}- and ${more} more`] : []),
    ];
  });
  return lines.join('\n');
}

function conclusion(wrong: number, original: string | undefined): string {
  if (wrong > 0) return `Not in order: ${wrong === 1 ? 'one thing is' : `${wrong} things are`} wrong.`;
  const whole = 'In order: the bundle is whole and as its own lists say';
  return original === undefined ? `${whole}.` : `${whole}, and nothing of the original was found in it.`;
}
