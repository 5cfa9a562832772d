/**
 * Makes connection tables of any size, as /proc/net/nf_conntrack prints them (ct_seq_show() in nf_conntrack_standalone.c), with a
 * mix as on a gateway: protocols, states, IPv6, NAT, zones, accounting, addresses of which few make most entries. The same
 * seed gives the same bytes.
 *
 *   node test/bench/generate.mjs 1100000 out/bench.tar.gz          a bundle
 *   node test/bench/generate.mjs 1100000 out/bench.txt             the table alone
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

/** Timeouts of the states and flags, in seconds, and how often each is met, in thousandths. */
const KINDS = [
  { weight: 330, protocol: 'tcp', number: 6, state: 'ESTABLISHED', timeout: 432_000, flag: 'ASSURED' },
  { weight: 110, protocol: 'tcp', number: 6, state: 'TIME_WAIT', timeout: 120, flag: 'ASSURED' },
  { weight: 45, protocol: 'tcp', number: 6, state: 'SYN_SENT', timeout: 120, flag: 'UNREPLIED' },
  { weight: 20, protocol: 'tcp', number: 6, state: 'CLOSE_WAIT', timeout: 60, flag: 'ASSURED' },
  { weight: 15, protocol: 'tcp', number: 6, state: 'FIN_WAIT', timeout: 120, flag: 'ASSURED' },
  { weight: 10, protocol: 'tcp', number: 6, state: 'SYN_RECV', timeout: 60, flag: '' },
  { weight: 5, protocol: 'tcp', number: 6, state: 'LAST_ACK', timeout: 30, flag: 'ASSURED' },
  { weight: 5, protocol: 'tcp', number: 6, state: 'CLOSE', timeout: 10, flag: 'ASSURED' },
  { weight: 10, protocol: 'tcp', number: 6, flag: 'OFFLOAD' },
  { weight: 210, protocol: 'udp', number: 17, timeout: 30, flag: '' },
  { weight: 120, protocol: 'udp', number: 17, timeout: 30, flag: 'UNREPLIED' },
  { weight: 80, protocol: 'udp', number: 17, timeout: 120, flag: 'ASSURED' },
  { weight: 25, protocol: 'icmp', number: 1, timeout: 30, flag: '' },
  { weight: 8, protocol: 'gre', number: 47, timeout: 180, flag: 'ASSURED' },
  { weight: 4, protocol: 'sctp', number: 132, state: 'ESTABLISHED', timeout: 210, flag: 'ASSURED' },
  { weight: 3, protocol: 'unknown', number: 50, timeout: 600, flag: '' },
];
const TOTAL = KINDS.reduce((sum, { weight }) => sum + weight, 0);
/** Services by protocol, the usual ones more often. */
const PORTS = {
  tcp: [
    443, 443, 443, 443, 443, 443, 80, 80, 80, 8080, 8443, 22, 25, 465, 587, 993, 995, 3306, 5060, 5222, 5432, 6379,
    8883,
  ],
  udp: [53, 53, 53, 53, 443, 443, 443, 123, 500, 4500, 3478, 5060, 51820],
  sctp: [2905, 3868, 36412],
};
/** Rows in one chunk: few strings to hand over, and little memory. */
const CHUNK = 2000;

/** The kind that a number below the sum of all weights falls to. */
function kindAt(number) {
  let below = 0;
  for (const kind of KINDS) {
    below += kind.weight;
    if (number < below) return kind;
  }
  return KINDS[0];
}

/** Mulberry32: 32 bits of state, good enough to look like traffic. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where the n-th busiest server is: anywhere on the Internet. */
function serverAddress(n) {
  const mixed = Math.imul(Math.imul(n + 1, 0x9e3779b1) ^ (n >>> 3), 0x85ebca6b) >>> 0;
  const first = 11 + ((mixed >>> 24) % 110);
  return ipv4(first, mixed);
}

const hex4 = (value) => value.toString(16).padStart(4, '0');
const ipv4 = (first, n) => `${first}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
const ipv6 = (prefix, n) => `${prefix}:0000:${hex4(n >>> 16)}:${hex4(n & 0xffff)}:0000:${hex4(n & 255)}`;

/**
 * Yields the table in chunks of text.
 *
 * @param entries  rows to make
 * @param options  `seed`; `sources`: client addresses that there are; `even`: all of them as busy as each other, not a few of
 *   them much busier; `accounting`: with packets= and bytes=
 */
export function* table(
  entries,
  { seed = 1, sources = Math.ceil(entries / 25), even = false, accounting = false } = {},
) {
  const random = randomFrom(seed);
  const upTo = (n) => Math.floor(random() * n);
  // Zipf's law: the second has half as many as the first, the third a third.
  const zipf = (n) => Math.floor(n ** random()) - 1;
  const counters = () => (accounting ? `packets=${1 + upTo(900)} bytes=${60 + upTo(900_000)} ` : '');
  let rows = [];
  for (let n = 0; n < entries; n++) {
    const kind = kindAt(random() * TOTAL);
    const six = kind.protocol !== 'icmp' && random() < 0.12;
    // The busiest clients are anywhere in their network.
    const client = even ? upTo(sources) : (zipf(sources) * 1_000_003 + 7) % sources;
    const server = zipf(60_000);
    const [src, dst] = six
      ? [ipv6('2001:0db8:0001', client), ipv6('2606:4700:0002', server)]
      : [ipv4(10, client), serverAddress(server)];
    const masqueraded = !six && random() < 0.7;
    const replyDst = masqueraded ? '198.51.100.7' : src;
    const sport = 1024 + upTo(64_000);
    const ports = PORTS[kind.protocol];
    const dport = ports?.[upTo(ports.length)];
    const [original, reply] =
      kind.protocol === 'icmp'
        ? [`type=8 code=0 id=${sport} `, `type=0 code=0 id=${sport} `]
        : kind.protocol === 'gre'
          ? [`srckey=0x0 dstkey=0x${sport.toString(16)} `, `srckey=0x${sport.toString(16)} dstkey=0x0 `]
          : kind.protocol === 'unknown'
            ? ['', '']
            : [`sport=${sport} dport=${dport} `, `sport=${dport} dport=${sport} `];
    const timer = kind.timeout === undefined ? '' : `${Math.floor(kind.timeout * (1 - random() ** 3))} `;
    const greTimers = kind.protocol === 'gre' ? 'timeout=30, stream_timeout=180 ' : '';
    const zone = random() < 0.02 ? 1 + upTo(4) : 0;
    const mark = random() < 0.1 ? 2 ** upTo(17) : 0;
    rows.push(
      `${six ? 'ipv6     10' : 'ipv4     2'} ${kind.protocol.padEnd(8)} ${kind.number} ${timer}${greTimers}${kind.state ? `${kind.state} ` : ''}` +
        `src=${src} dst=${dst} ${original}${counters()}${kind.flag === 'UNREPLIED' ? '[UNREPLIED] ' : ''}` +
        `src=${dst} dst=${replyDst} ${reply}${counters()}${/^(?:ASSURED|OFFLOAD)$/.test(kind.flag) ? `[${kind.flag}] ` : ''}` +
        `mark=${mark} zone=${zone} use=2\n`,
    );
    if (rows.length === CHUNK || n === entries - 1) {
      yield rows.join('');
      rows = [];
    }
  }
}

/**
 * Writes a bundle with such a table, and the few files that its analysis needs. Makes the rows twice: tar wants the size first.
 *
 * @param options  as of a table, and `hostname`
 */
export async function writeBundle(file, entries, options) {
  let bytes = 0;
  for (const chunk of table(entries, options)) bytes += chunk.length;
  const sysctl = 'proc/sys/net/netfilter/nf_conntrack_';
  const slabs = Math.ceil(entries / 16);
  const small = {
    'manifest.csv': `key,value\nformat,conntrack-report bundle\nformat_version,1\nhostname,${options?.hostname ?? 'bench'}\n`,
    ...(options?.hostname && { 'proc/sys/kernel/hostname': `${options.hostname}\n` }),
    [`${sysctl}count`]: `${entries}\n`,
    [`${sysctl}max`]: `${2 * entries}\n`,
    [`${sysctl}buckets`]: '262144\n',
    [`${sysctl}tcp_timeout_established`]: '432000\n',
    'proc/slabinfo': `slabinfo - version: 2.1\nnf_conntrack ${entries} ${16 * slabs} 256 16 1 : tunables 0 0 0 : slabdata ${slabs} ${slabs} 0\n`,
    'proc/meminfo': 'MemTotal:       16777216 kB\n',
    'commands/getconf-PAGESIZE': '4096\n',
    'commands/uname-r': '6.6.0\n',
    'commands/uname-m': 'x86_64\n',
  };
  await mkdir(path.dirname(file), { recursive: true });
  const tar = pack();
  const written = pipeline(tar, createGzip(), createWriteStream(file));
  for (const [name, text] of Object.entries(small)) tar.entry({ name: `bench/${name}` }, text);
  const entry = tar.entry({ name: 'bench/proc/net/nf_conntrack', size: bytes });
  for (const chunk of table(entries, options)) {
    if (!entry.write(Buffer.from(chunk, 'latin1'))) await new Promise((resolve) => entry.once('drain', resolve));
  }
  entry.end();
  tar.finalize();
  await written;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [entries, file] = [Number(process.argv[2]), process.argv[3] ?? 'out/bench.tar.gz'];
  if (file.endsWith('.gz')) await writeBundle(file, entries);
  else await pipeline(Readable.from(table(entries)), createWriteStream(file));
}
