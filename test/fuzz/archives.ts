/** Archives that are nearly those that were captured: tar taken apart, changed, put together again, and packed. */
import { gzipSync } from 'node:zlib';
import { mutatedBytes, mutatedText } from './mutate.ts';
import type { Random } from './random.ts';

const BLOCK = 512;

/** Where a field is in the header of a member (POSIX.1-1988 ustar). */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  uname: [265, 32],
  prefix: [345, 155],
} as const;

/** A member: its header, of 512 bytes, and its content without padding. */
export interface TarMember {
  header: Buffer;
  content: Buffer;
}

const text = (header: Buffer, [from, length]: readonly [number, number]) =>
  header.toString('latin1', from, from + length).replace(/\0.*$/s, '');

/** Takes an archive apart. It is one that was captured, and whole. */
export function membersOf(tar: Buffer): TarMember[] {
  const members: TarMember[] = [];
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const header = tar.subarray(at, at + BLOCK);
    const size = Number.parseInt(text(header, FIELDS.size), 8) || 0;
    at += BLOCK;
    members.push({ header, content: tar.subarray(at, at + size) });
    at += BLOCK * Math.ceil(size / BLOCK);
  }
  return members;
}

/** How a member is called. */
export function nameOf({ header }: TarMember): string {
  const prefix = text(header, FIELDS.prefix);
  return `${prefix}${prefix && '/'}${text(header, FIELDS.name)}`;
}

function withField(header: Buffer, field: keyof typeof FIELDS, value: string | Buffer): Buffer {
  const [from, length] = FIELDS[field];
  const changed = Buffer.from(header);
  changed.fill(0, from, from + length);
  changed.set(Buffer.from(value as string, 'latin1').subarray(0, length), from);
  return changed;
}

/** The header with the check sum that it should have. */
function summed(header: Buffer): Buffer {
  const [from, length] = FIELDS.checksum;
  const changed = Buffer.from(header).fill(0x20, from, from + length);
  const sum = changed.reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, from, 'latin1');
  return changed;
}

/** A member of any name and content. */
export function member(name: string, content: Buffer | string, type = '0'): TarMember {
  const bytes = Buffer.from(content as string);
  let header = withField(Buffer.alloc(BLOCK), 'name', name);
  header = withField(header, 'mode', '0000600');
  header = withField(header, 'size', bytes.length.toString(8).padStart(11, '0'));
  header = withField(header, 'mtime', '15000000000');
  header = withField(withField(header, 'type', type), 'magic', 'ustar\x0000');
  return { header: summed(header), content: bytes };
}

/** Puts an archive together. */
export function tarOf(members: readonly TarMember[]): Buffer {
  return Buffer.concat([
    ...members.flatMap(({ header, content }) => [
      header,
      content,
      Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
    ]),
    Buffer.alloc(2 * BLOCK),
  ]);
}

/** A member with another name, of any length. */
function renamed({ header, content }: TarMember, name: string): TarMember[] {
  const size = content.length.toString(8).padStart(11, '0');
  const plain = summed(withField(withField(withField(header, 'prefix', ''), 'name', name), 'size', size));
  const long = Buffer.byteLength(name, 'latin1') > 100 ? [member('././@LongLink', `${name}\0`, 'L')] : [];
  return [...long, { header: plain, content }];
}

const SIZES = [
  '',
  '00000000000',
  '00000000001',
  '00000001000',
  '77777777777',
  '-0000000001',
  'not a size',
  Buffer.from('800000000000000000000000', 'hex'),
  Buffer.from('800000000020000000000000', 'hex'),
  Buffer.from('8000007fffffffffffffffff', 'hex'),
  Buffer.from('ffffffffffffffffffffffff', 'hex'),
];

/** Headers of pax: what they say goes for the next member, or for all. */
const RECORDS = [
  'path=proc/slabinfo',
  'path=../../etc/passwd',
  'path=',
  'size=0',
  'size=-1',
  'size=9007199254740993',
  'size=1e309',
  'size=x',
  'mtime=1e309',
  'mtime=-1',
  'mtime=x',
  'linkpath=x',
  'GNU.sparse.realsize=1099511627776',
  'hdrcharset=BINARY',
];

const record = (said: string) => {
  const rest = ` ${said}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
};

/** What members are called that mean something. */
const NAMES = [
  'manifest.csv',
  'inventory.csv',
  'netns.csv',
  'proc/slabinfo',
  'proc/meminfo',
  'proc/net/nf_conntrack',
  'proc/net/ip_conntrack',
  'proc/net/stat/nf_conntrack',
  'proc/sys/net/netfilter/nf_conntrack_max',
  'series/0/proc/uptime',
  'after/proc/net/stat/nf_conntrack',
  'tail/proc/net/nf_conntrack',
  'commands/conntrack-L',
  'commands/conntrack-L-ipv6',
  'commands/dmesg',
  'commands/sysctl-a',
  'netns/blue/commands/conntrack-L',
  'netns/4026532453/proc/net/stat/nf_conntrack',
  'etc/sysctl.d/99-x.conf',
  'sos_commands/networking/conntrack_-L',
  'network.txt',
  'inner.tar.gz',
  'sosreport-x.tar.xz',
  '',
  '/',
  './',
  '..',
  '/etc/shadow',
  '__proto__',
  'a\nb',
  '\u001b[31m',
  '\u00ff\u00fe',
  `${'long/'.repeat(60)}proc/slabinfo`,
];

/** Every text of a corpus that lines are taken from is a member of some archive. */
type Change = (random: Random, members: TarMember[], corpus: readonly string[]) => void;

const one = (random: Random, members: readonly TarMember[]) => random.below(members.length);

const changeText: Change = (random, members, corpus) => {
  const at = one(random, members);
  const old = members[at];
  if (!old) return;
  const before = old.content.toString('latin1');
  const changed = mutatedText(random, [before, before, random.of(corpus)], 1 << 20);
  members.splice(
    at,
    1,
    ...renamed({ ...old, content: Buffer.from(changed, random.oneIn(3) ? 'utf8' : 'latin1') }, nameOf(old)),
  );
};

const changeField =
  (field: keyof typeof FIELDS, values: readonly (string | Buffer)[]): Change =>
  (random, members) => {
    const at = one(random, members);
    const old = members[at];
    if (!old) return;
    const header = withField(old.header, field, random.of(values));
    members[at] = { ...old, header: random.oneIn(8) ? header : summed(header) };
  };

const insert =
  (make: (random: Random) => TarMember): Change =>
  (random, members) =>
    void members.splice(random.below(members.length + 1), 0, make(random));

const CHANGES: readonly Change[] = [
  changeText,
  changeText,
  changeText,
  changeText,
  (random, members) => void members.splice(one(random, members), 1),
  (random, members) => void members.splice(one(random, members), 1 + random.below(20)),
  (random, members) => {
    const at = one(random, members);
    const again = members[at];
    if (again) members.splice(random.below(members.length + 1), 0, again);
  },
  (random, members) => {
    const [moved] = members.splice(one(random, members), 1);
    if (moved) members.splice(random.below(members.length + 1), 0, moved);
  },
  (_random, members) => void members.reverse(),
  // Two members exchange what is in them.
  (random, members) => {
    const [a, b] = [one(random, members), one(random, members)];
    const [first, second] = [members[a], members[b]];
    if (!first || !second || a === b) return;
    const [swapped] = renamed({ ...first, content: second.content }, nameOf(first).slice(0, 100));
    if (swapped) members[a] = swapped;
  },
  (random, members) => {
    const at = one(random, members);
    const old = members[at];
    if (!old) return;
    const top = random.oneIn(2) ? '' : nameOf(old).replace(/\/.*$/s, '/');
    members.splice(at, 1, ...renamed(old, top + random.of(NAMES)));
  },
  (random, members, corpus) => {
    const top = random.oneIn(3) ? '' : nameOf(members[0] ?? member('', '')).replace(/\/.*$/s, '/');
    const content = Buffer.from(mutatedText(random, corpus), 'latin1');
    members.splice(random.below(members.length + 1), 0, ...renamed(member('x', content), top + random.of(NAMES)));
  },
  changeField('size', SIZES),
  changeField('type', ['', '0', '1', '2', '3', '4', '5', '6', '7', 'g', 'x', 'L', 'K', 'S', 'V', 'D', 'Z', '\x80']),
  changeField('mtime', SIZES),
  changeField('mode', ['', '7777777', 'x']),
  changeField('magic', ['', 'ustar  \0', 'ustar\x0000', 'nonsense']),
  changeField('name', NAMES),
  changeField('prefix', ['', 'proc', '..', 'x'.repeat(155)]),
  changeField('uname', ['\x80'.repeat(32)]),
  insert((random) => member('pax', record(random.of(RECORDS)) + record(random.of(RECORDS)), random.of(['x', 'g']))),
  insert((random) => member('pax', random.of(['', '0 \n', '99999 path=x\n', 'path=x', '7 path=x\n']), 'x')),
  insert((random) => member('././@LongLink', random.of(['', 'x', 'proc/slabinfo\0', 'y'.repeat(5000)]), 'L')),
];

/** Members changed in a few ways: what is in them, how they are called, and what their headers say. */
export function mutatedMembers(random: Random, members: readonly TarMember[], corpus: readonly string[]): TarMember[] {
  const changed = [...members];
  for (let n = random.oneIn(30) ? 0 : 1 + random.few() + random.few(); n > 0; n--) {
    random.of(CHANGES)(random, changed, corpus);
  }
  return changed;
}

/** An archive, packed as often as chance has it, damaged sometimes before and sometimes after. */
export function packed(random: Random, tar: Buffer): Buffer {
  let bytes = random.oneIn(8) ? mutatedBytes(random, tar, [tar]) : tar;
  // Level 1 is fast, and level 0 leaves what is in it for all to see.
  for (let layers = random.oneIn(3) ? random.few() : 0; layers > 0; layers--) {
    bytes = gzipSync(bytes, { level: random.below(2) });
    if (random.oneIn(4)) bytes = mutatedBytes(random, bytes, [bytes]);
  }
  return bytes;
}
