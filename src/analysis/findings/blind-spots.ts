import type { Snapshot } from '../../snapshot/types.ts';
import { nextBoot, sysctlFiles } from '../boot.ts';
import { isSince, releaseOf, trackerOf } from '../kernel.ts';
import type { Commands, Evidence } from '../schema.ts';
import { entriesIn, readingsOf } from '../usage.ts';
import { type Measured, type Rule, seen, things } from './rule.ts';

/** Something that a rule asks for and that this capture does not have. */
interface BlindSpot {
  /** What it is: a noun phrase. */
  what: string;
  /** What cannot be said without it: an indirect question. */
  open: string;
  /** The lines of the inventory that say why. */
  paths: RegExp;
  /** This kernel has no such thing, whoever asks. */
  isOfTheKernel?: boolean;
}

/** To cut a table again where it has grown in the meantime would be of no use: this much more is asked for. */
const ROOM = 2;
/** The most that collect.sh takes for --max-entries. */
const MOST_ENTRIES = 20_000_000;

/** What the capture could not see. */
export const blindSpots: Rule = {
  id: 'blind-spots',
  assess({ snapshot, measured }) {
    const spots = [
      ...limits(snapshot, measured),
      ...losses(snapshot, measured),
      ...contents(snapshot, measured),
      ...surroundings(snapshot, measured),
    ];
    if (spots.length === 0) {
      return {
        severity: 'ok',
        says: 'ok',
        values: {
          files: snapshot.inventory.length > 0 ? things(captured(snapshot).length, 'item') : undefined,
          readings: things(readingsOf(snapshot).length, 'reading'),
          rows: things(measured.table?.entries ?? 0, 'row'),
        },
        evidence: seen('date', snapshot.host.capturedAt),
        confidence: 'high',
      };
    }
    return {
      severity: 'notice',
      says: 'found',
      values: {
        notRoot: isWithoutRoot(snapshot),
        captured: spots.map(({ what }) => what),
        open: [...new Set(spots.map(({ open }) => open))],
      },
      evidence: spots.flatMap(({ paths }) => reasons(snapshot, paths)),
      confidence: 'high',
      commands: spots.every(({ isOfTheKernel }) => isOfTheKernel) ? undefined : collectAgain(snapshot, measured),
    };
  },
};

function limits({ sysctls, first, tableLines }: Snapshot, { hash }: Measured): BlindSpot[] {
  const count = first.count ?? first.counters?.entries ?? tableLines;
  const open = 'how full the table is';
  return [
    ...(sysctls.max ? [] : [{ what: 'the limit (nf_conntrack_max)', open, paths: /_conntrack_max$/ }]),
    ...(count ? [] : [{ what: 'the number of entries', open, paths: /_conntrack_count$|wc-l-table$/ }]),
    ...(hash.buckets
      ? []
      : [
          {
            what: 'the number of hash buckets',
            open: 'how long the hash chains are',
            paths: /_conntrack_buckets$|hashsize$/,
          },
        ]),
  ];
}

function losses(snapshot: Snapshot, { drops }: Measured): BlindSpot[] {
  const hasNoCounters = isSince(snapshot, 2, 6) === false;
  const readings = readingsOf(snapshot).filter(({ counters }) => counters).length;
  const paths = /net\/stat\/(?:nf|ip)_conntrack$|conntrack-S$/;
  const open = 'whether packets were dropped or entries evicted';
  const counters: BlindSpot[] =
    readings > 0
      ? readings > 1
        ? []
        : [
            {
              what: 'a second reading of the counters',
              open: 'how fast packets are being dropped',
              paths: /^(?:series|after)\/.*stat\//,
            },
          ]
      : hasNoCounters
        ? [{ what: 'drop counters (Linux 2.4 has none)', open, paths, isOfTheKernel: true }]
        : [{ what: 'the counters', open, paths }];
  const log: BlindSpot[] =
    drops.log.captured.length > 0
      ? []
      : [
          {
            what: 'the kernel log',
            open: 'whether the table was full before',
            paths: /dmesg$|journalctl-k$|^var\/log\//,
          },
        ];
  return [...counters, ...log];
}

function contents(snapshot: Snapshot, { table }: Measured): BlindSpot[] {
  const paths = /^(?:tail\/)?(?:proc\/net\/(?:nf|ip)_conntrack|commands\/conntrack-L[^/]*)$/;
  const expectations: BlindSpot[] =
    snapshot.expectations || !snapshot.sysctls.expect_max
      ? []
      : [{ what: 'the expectations', open: 'how many expectations there are', paths: /_conntrack_expect$/ }];
  if (!table) {
    return [{ what: 'the connection table', open: 'what fills the table', paths }, ...expectations];
  }
  const isNew = trackerOf(snapshot) === 'nf_conntrack';
  return [
    ...(table.cut === undefined
      ? []
      : [
          {
            what: table.part === 'tail' ? 'all but the end of the connection table' : 'a part of the connection table',
            open: 'what the rest of the table is',
            paths,
          },
        ]),
    ...(table.families.includes('ipv6') || !isNew
      ? []
      : [
          {
            what: 'the entries of IPv6',
            open: 'what the entries of IPv6 are',
            paths: /^commands\/conntrack-L(?:-ipv6)?$|^proc\/net\/nf_conntrack$/,
          },
        ]),
    ...(snapshot.sysctls.tcp_timeout_established || !isNew
      ? []
      : [
          {
            what: 'the timeouts',
            open: 'whether entries are idle for as long as the kernel’s defaults suggest',
            paths: /_conntrack_tcp_timeout_established$/,
          },
        ]),
    ...expectations,
  ];
}

function surroundings(snapshot: Snapshot, { slab, pageBytes, host }: Measured): BlindSpot[] {
  const release = releaseOf(snapshot);
  const bytes = 'how much memory the entries take';
  return [
    ...(slab.caches.length > 0 ? [] : [{ what: 'the slab', open: bytes, paths: /slabinfo$|slab\/nf_conntrack/ }]),
    ...(pageBytes ? [] : [{ what: 'the page size', open: bytes, paths: /getconf-PAGESIZE$|smaps$/ }]),
    ...(host.memTotalBytes
      ? []
      : [
          {
            what: 'the size of the memory',
            open: 'what share of the memory conntrack takes',
            paths: /^proc\/meminfo$/,
          },
        ]),
    ...(release !== undefined
      ? []
      : [
          {
            what: 'the kernel version',
            open: 'what this kernel does when the table is full',
            paths: /uname-r$|^proc\/version$/,
          },
        ]),
    ...namespaces(snapshot),
    ...(sysctlFiles(snapshot).known
      ? []
      : [{ what: 'the persisted settings', open: 'what the next boot sets', paths: /sysctl\.(?:conf|d)/ }]),
    ...(nextBoot(snapshot).isModule === undefined
      ? [
          {
            what: 'the list of modules',
            open: 'whether the settings exist yet when boot applies them',
            paths: /^proc\/modules$/,
          },
        ]
      : []),
  ];
}

/** Conntrack is divided into namespaces since 2.6.32; the kernel names a process's own since 3.0 (/proc/PID/ns/net). */
function namespaces(snapshot: Snapshot): BlindSpot[] {
  const { inventory } = snapshot;
  const open = 'whether another network namespace is full';
  if (isSince(snapshot, 2, 6, 32) === false) return [];
  const list = inventory.find(({ path }) => path === 'netns.csv');
  const seenAll = list ? list.status === 'captured' : snapshot.namespaces.length > 0;
  if (!seenAll) {
    const isOfTheKernel = list?.status === 'absent';
    return [{ what: 'the other network namespaces', open, paths: /^netns\.csv$/, isOfTheKernel }];
  }
  // A namespace that nothing runs in can only be looked at by entering it, which the collector does not do.
  const dark = snapshot.namespaces.filter((namespace) => !entriesIn(namespace));
  const isOfTheKernel = dark.every(({ pids }) => pids === 0);
  return dark.length > 0
    ? [{ what: 'the entries of some other network namespaces', open, paths: /^netns\/[^/]+\//, isOfTheKernel }]
    : [];
}

/** What the inventory says of things that are not there; and of archives that have none, what is wrong with those that are. */
function reasons({ inventory, problems }: Snapshot, paths: RegExp): Evidence[] {
  return [
    ...inventory
      .filter(({ path, status }) => status !== 'captured' && paths.test(path))
      .filter(({ reason }) => !reason.startsWith('not needed'))
      .map(({ path, status, reason }) => ({ what: path, value: `${status}: ${reason}`, file: 'inventory.csv' })),
    ...problems
      .filter(({ file }) => paths.test(file) && !inventory.some(({ path }) => path === file))
      .map(({ file, line, what }) => ({ what: file, value: what, file, line })),
  ];
}

function captured({ inventory }: Snapshot) {
  return inventory.filter(({ status }) => status === 'captured');
}

/** Undefined where the capture does not say who made it. */
function isWithoutRoot({ bundle }: Snapshot): boolean {
  return bundle.userId !== undefined && bundle.userId !== 0;
}

function collectAgain(snapshot: Snapshot, { table, usage }: Measured): Commands {
  const isCutByOption = table?.cut?.includes('--max-entries') ?? false;
  const entries = usage.entries?.value ?? table?.entries ?? 0;
  const more = isCutByOption ? ` --max-entries ${Math.min(MOST_ENTRIES, ROOM * entries)}` : '';
  return {
    apply: [`${isWithoutRoot(snapshot) ? 'sudo ' : ''}sh collect.sh${more}`],
    verify: ["tar xzOf conntrack-*.tar.gz --wildcards '*/inventory.csv' | grep -v ,captured,"],
    undo: [],
  };
}
