/** Reads a bundle for the names that it says of hosts, domains and users, wherever its files say them. */
import { type BundleEnd, type Member, readBundle } from '../bundle/bundle.ts';
import { Budget, DEFAULT_LIMITS, type Limits } from '../bundle/limits.ts';
import { NameIndex } from './names.ts';

/** What is known of a bundle before it is rewritten, or compared. */
export interface Survey {
  names: NameIndex;
  /** Paths of all members, in their order. */
  paths: string[];
  /** What manifest.csv says in `anonymized`, if it does. */
  anonymized: string | undefined;
  /** The inventory has sums of cksum(1). */
  hasCksums: boolean;
  end: BundleEnd;
  /** With which it was read. */
  limits: Limits;
}

/** A name is looked for in lines, as far as this; more of a line is read in the next piece. */
const LONGEST_LINE = 2048;
/** What is read whole: files of a few lines. */
const SMALL = 1 << 20;

/** Files that are one host name, and files of names. */
const HOSTNAME_FILE = /(?:^|\/)hostname(?:_-\w+)?$/;
const DOMAIN_FILE = /(?:^|\/)domainname$/;
const HOSTS_FILE = /(?:^|\/)etc\/hosts$/;
const RESOLVER_FILE = /(?:^|\/)etc\/resolv\.conf$/;
const USERS_FILE = /(?:^|\/)etc\/passwd$/;
/** The top folder of a bundle of collect.sh, which is called after the host. */
const TOP_FOLDER = /^(?:\.?\/)*conntrack-([^/]+)-\d{8}T\d{6}Z\//;
const LOG_FILE = /log|messages|journal|boot\.txt|kern|dmesg/i;

/** Words that come before a name, and what the line looks like then. */
const SAID: { needle: Buffer; line: RegExp; add(names: NameIndex, found: RegExpMatchArray): void }[] = [
  {
    // uname -a.
    needle: Buffer.from('Linux '),
    line: /\bLinux (\S+) (\d+\.\d+\S*) #/g,
    add(names, [, host = '', release = '']) {
      names.addHost(host);
      names.addRelease(release);
    },
  },
  {
    needle: Buffer.from('Linux version '),
    line: /\bLinux version (\d+\.\d+\S*)/g,
    add: (names, [, release = '']) => names.addRelease(release),
  },
  {
    needle: Buffer.from('kernel.hostname'),
    line: /\bkernel\.hostname\s*=\s*(\S+)/g,
    add: (names, [, host = '']) => names.addHost(host),
  },
  {
    needle: Buffer.from('kernel.domainname'),
    line: /\bkernel\.domainname\s*=\s*(\S+)/g,
    add: (names, [, domain = '']) => names.addDomain(domain),
  },
  {
    needle: Buffer.from('/home/'),
    line: /\/home\/([A-Za-z][\w.-]{0,31})/g,
    add: (names, [, user = '']) => names.addUser(user),
  },
];

const STAMP =
  '(?:[A-Z][a-z]{2} +\\d+ \\d+:\\d+:\\d+(?:\\.\\d+)?|(?:[A-Z][a-z]{2} )?\\d{4}-\\d+-\\d+[T ]\\d+:\\d+:\\d+(?:[.,]\\d+)?(?: ?[A-Z]+|[+-]\\d+:?\\d*)?)';
/** A line of syslog or journalctl: when, where, and which program. */
const LOG_LINE = new RegExp(`^(?:<\\d+>)?${STAMP} ([A-Za-z\\d][\\w.-]*) [\\w./@()-]+(?:\\[\\d+\\])?:`, 'gm');

/**
 * Reads a whole bundle.
 *
 * @throws {BundleError} if it cannot be read as one
 */
export async function survey(input: string, limits: Limits = DEFAULT_LIMITS): Promise<Survey> {
  const names = new NameIndex();
  const paths: string[] = [];
  let anonymized: string | undefined;
  let hasCksums = false;
  const visit = async ({ path, name, content }: Member) => {
    const [, host] = (paths.length === 0 && TOP_FOLDER.exec(name)) || [];
    // What convert writes of a host without a name.
    if (host !== undefined && host !== 'host') names.addHost(host);
    paths.push(path);
    const head = await readNames(path, content, names);
    if (path === 'inventory.csv') hasCksums = head.includes(',cksum:');
    if (path !== 'manifest.csv') return;
    for (const line of head.split(/\r?\n/)) {
      const [, key, value = ''] = /^(hostname|anonymized),(.*)$/.exec(line) ?? [];
      if (key === 'hostname') names.addHost(value.replace(/^"(.*)"$/, '$1'));
      else if (key === 'anonymized') anonymized = value;
    }
  };
  const end = await readBundle(input, visit, undefined, new Budget(limits));
  return { names, paths, anonymized, hasCksums, end, limits };
}

/** Reads one member. Returns its beginning. */
async function readNames(path: string, content: Member['content'], names: NameIndex): Promise<string> {
  const isLog = LOG_FILE.test(path);
  let head = Buffer.alloc(0);
  let held = Buffer.alloc(0);
  for await (const block of content) {
    if (head.length < SMALL) head = Buffer.concat([head, block.subarray(0, SMALL - head.length)]);
    const text = Buffer.concat([held, block]);
    readText(text, isLog, names);
    // What lies across two blocks is found in the second: finding a name twice is finding it.
    const line = text.lastIndexOf(0x0a, text.length - 2) + 1;
    held = Buffer.from(text.subarray(Math.max(line, text.length - LONGEST_LINE)));
  }
  const text = head.toString('latin1');
  readFile(path, text, names);
  return text;
}

function readText(text: Buffer, isLog: boolean, names: NameIndex): void {
  for (const { needle, line, add } of SAID) {
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
      const around = text.toString('latin1', Math.max(0, at - 1), at + LONGEST_LINE).split('\n', 2);
      // The byte before may be the end of the line before.
      for (const found of around.join('\n').matchAll(line)) add(names, found);
    }
  }
  if (!isLog) return;
  for (const [, host = ''] of text.toString('latin1').matchAll(LOG_LINE)) names.addHost(host);
}

function readFile(path: string, text: string, names: NameIndex): void {
  const lines = text.split('\n').map((line) => line.trim());
  if (HOSTNAME_FILE.test(path)) {
    const written = lines.filter((line) => line !== '');
    if (written.length === 1) names.addHost(written[0] ?? '');
  } else if (DOMAIN_FILE.test(path)) names.addDomain(lines[0] ?? '');
  else if (HOSTS_FILE.test(path)) {
    for (const line of lines) {
      const [address = '', ...hosts] = line.replace(/#.*/, '').split(/\s+/);
      if (/^[\da-f.:]+$/i.test(address))
        for (const host of hosts.filter((name) => !/^ip6-/.test(name))) names.addHost(host);
    }
  } else if (RESOLVER_FILE.test(path)) {
    for (const line of lines) {
      const [, domains = ''] = /^(?:search|domain)\s+(.*)$/.exec(line) ?? [];
      for (const domain of domains.split(/\s+/)) names.addDomain(domain);
    }
  } else if (USERS_FILE.test(path)) {
    for (const line of lines) {
      const [user = '', , id = ''] = line.split(':');
      // login.defs: people begin at 1000, and nobody is 65534.
      if (Number(id) >= 1000 && Number(id) !== 65534) names.addUser(user);
    }
  } else if (path === 'commands/machine-id-sha256') names.addId(lines[0] ?? '');
}
