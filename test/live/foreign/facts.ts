/**
 * What an archive of another collector says, counted with awk, sed and date in the files before they are packed, and by none
 * of the code under test.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A file as it is before it is packed, and the member of the archive that it becomes. */
export interface Source {
  file: string;
  member: string;
}

/** Where an archive says what. What it does not say is left out. */
export interface Sources {
  hostname: Source;
  uname: Source;
  /** As date prints it; or the time itself, where only the archive's name has it. */
  date?: Source | { iso: string; member: string };
  uptime?: Source;
  /** Lines `net.netfilter.nf_conntrack_max = 65536`. */
  sysctl?: Source;
  /** A file that holds the number alone. */
  count?: Source;
  max?: Source;
  buckets?: Source;
  pageBytes?: Source;
  slabinfo?: Source;
  /** The first is the table that a report is about. */
  tables?: Source[];
  /** As conntrack -S or /proc/net/stat/nf_conntrack prints them. */
  counters?: Source[];
  log?: Source;
}

/** The lines of one table. */
interface TableFacts {
  member: string;
  /** Lines that begin as an entry does; one that another line is spliced into is counted. */
  rows: number;
  /** Another program's line stands inside this one, a row. */
  splicedLine?: number;
  /** The first line is the end of one that began before what was kept. */
  cutAtStart?: true;
  /** What conntrack says that it has shown. */
  shown?: number;
  byFamily: Record<string, number>;
  byProtocolAndState: Record<string, number>;
  assured: number;
  unreplied: number;
}

export interface Facts {
  layout: string;
  archive: string;
  hostname: string;
  kernelRelease: string;
  capturedAt?: string;
  uptimeSeconds?: number;
  count?: number;
  max?: number;
  buckets?: number;
  pageBytes?: number;
  slab?: Record<'active' | 'total' | 'objectBytes' | 'objectsPerSlab' | 'pagesPerSlab' | 'line', number>;
  tables?: TableFacts[];
  counters?: { member: string; drop: number; earlyDrop: number; insertFailed: number }[];
  tableFullLogLines?: number;
  members: Record<string, string>;
  absent: string[];
  /** Of a machine in a cloud. */
  instanceId?: string;
}

function awk(program: string, file: string): string {
  return execFileSync('awk', [program, file], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim();
}

/** Pairs of a name and a number, a pair a line. */
function pairs(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines
      .sort()
      .map((line) => line.split('\t'))
      .map(([name, number]) => [name, Number(number)]),
  );
}

const SUMMARY = 'conntrack v[0-9.]* (conntrack-tools): [0-9]* flow entries have been shown\\.';
/** How an entry begins: `ipv4     2 tcp      6 `, or `tcp      6 ` where the family is not told. */
const ROW = '/^(ipv[46] +[0-9]+ )?[a-z0-9_]+ +[0-9]+ +.*src=/';

function tableFacts({ file, member }: Source): TableFacts {
  const text = readFileSync(file, 'utf8');
  const summary = text.match(new RegExp(SUMMARY.replace('(', '\\(').replace(')', '\\)')));
  const before = text.slice(0, summary?.index ?? 0);
  const whole = `${file}.unspliced`;
  execFileSync('sh', ['-c', `sed -z 's/${SUMMARY}\\n//' "$1" > "$2"`, 'sh', file, whole]);
  const count = (pattern: string) => Number(awk(`${ROW} && ${pattern} { n++ } END { print n + 0 }`, whole));
  const families = pairs(
    awk(`${ROW} { n[/src=[0-9a-f]*:/ ? "ipv6" : "ipv4"]++ } END { for (f in n) print f "\\t" n[f] }`, whole),
  );
  const states = pairs(
    awk(
      `${ROW} {
        first = /^ipv[46] / ? 3 : 1
        state = $(first + 3)
        n[$first (state ~ /^[A-Z_0-9]+$/ ? " " state : "")]++
      } END { for (key in n) print key "\\t" n[key] }`,
      whole,
    ),
  );
  return {
    member,
    rows: count('1'),
    ...(before !== '' && !before.endsWith('\n') && { splicedLine: before.split('\n').length }),
    ...(Number(awk(`NR == 1 { print !(${ROW}) }`, whole)) === 1 && { cutAtStart: true as const }),
    ...(summary && { shown: Number(summary[0].match(/: (\d+)/)?.[1]) }),
    byFamily: families,
    byProtocolAndState: states,
    assured: count('/\\[ASSURED\\]/'),
    unreplied: count('/\\[UNREPLIED\\]/'),
  };
}

/** Sums of one counter over all processors: `drop=12` of conntrack -S, or hexadecimal columns below a line of names. */
function counterOf(name: string, file: string): number {
  const decimal = awk(
    `/^cpu/ { for (i = 1; i <= NF; i++) if ($i ~ /^${name}=/) { sub(/.*=/, "", $i); n += $i } } END { print n + 0 }`,
    file,
  );
  const column = Number(awk(`NR == 1 { for (i = 1; i <= NF; i++) if ($i == "${name}") print i }`, file));
  if (column === 0) return Number(decimal);
  const hex = awk(`NR > 1 { print $${column} }`, file).split('\n');
  return hex.reduce((sum, digits) => sum + Number.parseInt(digits, 16), 0);
}

function slabFacts(file: string): Facts['slab'] {
  const line = awk('/^nf_conntrack / { print $2, $3, $4, $5, $6, NR }', file);
  const [active, total, objectBytes, objectsPerSlab, pagesPerSlab, number] = line.split(' ').map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { active, total, objectBytes, objectsPerSlab, pagesPerSlab, line: number };
}

const numberIn = (file: string) => Number(readFileSync(file, 'utf8'));
const setting = (name: string, file: string) => Number(awk(`$1 == "net.netfilter.${name}" { print $3 }`, file));

function isoOf(date: Sources['date']): string | undefined {
  if (date === undefined) return undefined;
  if ('iso' in date) return date.iso;
  const text = readFileSync(date.file, 'utf8').trim();
  return execFileSync('date', ['--utc', '-d', text, '+%Y-%m-%dT%H:%M:%SZ'], { encoding: 'utf8' }).trim();
}

/** All that can be counted in the sources; what an archive of this layout does not have is listed as absent. */
export function factsOf(layout: string, archive: string, from: Sources): Facts {
  const number = (name: string, own: Source | undefined) =>
    own ? numberIn(own.file) : from.sysctl && setting(name, from.sysctl.file);
  const found = {
    capturedAt: isoOf(from.date),
    uptimeSeconds: from.uptime && Math.floor(Number(awk('{ print $1 }', from.uptime.file))),
    count: number('nf_conntrack_count', from.count),
    max: number('nf_conntrack_max', from.max),
    buckets: number('nf_conntrack_buckets', from.buckets),
    pageBytes: from.pageBytes && numberIn(from.pageBytes.file),
    slab: from.slabinfo && slabFacts(from.slabinfo.file),
    tables: from.tables?.map(tableFacts),
    counters: from.counters?.map(({ file, member }) => ({
      member,
      drop: counterOf('drop', file),
      earlyDrop: counterOf('early_drop', file),
      insertFailed: counterOf('insert_failed', file),
    })),
    tableFullLogLines: from.log && Number(awk('/table full/ { n++ } END { print n + 0 }', from.log.file)),
  };
  const present = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
  const members = Object.entries(from).flatMap(([name, source]) =>
    Array.isArray(source) ? [] : [[name, (source as Source).member]],
  );
  return {
    layout,
    archive,
    hostname: readFileSync(from.hostname.file, 'utf8').trim(),
    kernelRelease: awk('{ print $3 }', from.uname.file),
    ...(present as Partial<Facts>),
    members: Object.fromEntries(members),
    absent: Object.keys(found).filter((name) => !(name in present)),
  };
}
