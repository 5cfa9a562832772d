/** The page size of a host whose archive does not state it, from what depends on it. */
import type { MachineKind } from '../parsers/cpuinfo.ts';
import type { Parsed } from '../parsers/parsed.ts';
import { detectAllocator } from '../parsers/slabinfo.ts';
import { refuse } from '../parsers/text.ts';
import type { Fact, Problem, SlabCache, Slabinfo } from './types.ts';

/** What is known of the host that bears on its page size. */
export interface PageEvidence {
  machine?: Fact<string> | undefined;
  /** The same from cpuinfo, which names no machine. */
  kind?: Fact<MachineKind> | undefined;
  /** What the kernel's configuration says. */
  config?: Fact<number> | undefined;
  slab?: Slabinfo | undefined;
  /** `Slab` of meminfo, in bytes. */
  slabBytes?: Fact<number> | undefined;
}

/** Page sizes that are in use on servers: arch/arm64/Kconfig, arch/powerpc/Kconfig; MIPS and LoongArch have 16 KiB. */
const SIZES = [4096, 16_384, 65_536];

/** How far the quotient may be off: slabinfo and meminfo are read at different moments. Of real pairs the worst was 9.8 %. */
const TOLERANCE = 0.15;

/** A kernel has more caches than this; 2.4, which has the fewest, has about 60. */
const FEW_CACHES = 40;

/** Of the caches of SLUB, how many have to hold as many objects as their slabs have room for (order_objects() in mm/slub.c). */
const MOST_CACHES = 0.9;

const cost = 'The page size is not known; without it slabs cannot be counted in bytes.';

/**
 * Infers the page size: from the architecture where it has only one (PAGE_SHIFT in arch/x86 and arch/s390), else from the kernel's
 * configuration, else from Slab in meminfo, which is the pages of all slabs in bytes (fs/proc/meminfo.c), ÷ those pages as slabinfo counts
 * them. The last is also the test of the others: a configuration that it contradicts may be another kernel's.
 */
export function inferPageBytes({ machine, kind, config, slab, slabBytes }: PageEvidence): Parsed<Fact<number>> {
  const measured = slab && slabBytes ? measure(slab, slabBytes) : undefined;
  const architecture = onlySizeOf(machine, kind);
  const differ = (what: string, fact: Fact<unknown>, kept: string): Problem => ({
    file: fact.file,
    line: fact.line,
    what,
    cost: `The report goes by ${kept}; the file may be incomplete, or of another host or kernel.`,
    kind: 'facts-differ',
  });
  const ofSlabs = (bytes: number) => `suggests, with the slabs of ${slab?.file}, pages of ${kib(bytes)}`;
  if (architecture) {
    const { value, name } = architecture;
    const problems = [
      ...(config && config.value !== value
        ? [differ(`says that pages are of ${kib(config.value)} where ${name} has ${kib(value)}`, config, name)]
        : []),
      ...(slabBytes && measured?.bytes !== undefined && measured.bytes !== value
        ? [differ(`${ofSlabs(measured.bytes)} where ${name} has ${kib(value)}`, slabBytes, name)]
        : []),
    ];
    const inferred = `from the architecture, ${name}, which has pages of ${kib(value)} only${confirmed(measured, value)}`;
    return { value: { ...architecture.fact, value, inferred }, problems };
  }
  if (config) {
    if (slabBytes && measured?.bytes !== undefined && measured.bytes !== config.value) {
      const what = `${ofSlabs(measured.bytes)} where ${config.file} says ${kib(config.value)}`;
      return {
        value: undefined,
        problems: [{ file: slabBytes.file, line: slabBytes.line, what, cost, kind: 'facts-differ' }],
      };
    }
    const inferred = `from the kernel’s configuration, ${config.file}${confirmed(measured, config.value)}`;
    return { value: { ...config, inferred }, problems: [] };
  }
  if (!slab || !slabBytes || !measured) return { value: undefined, problems: [] };
  if (measured.bytes === undefined) return refuse(slab.file, `does not tell the page size: ${measured.why}`, cost);
  const inferred = `from Slab in ${slabBytes.file} ÷ the pages of all slabs in ${slab.file}: ${measured.quotient} bytes, nearest to ${kib(measured.bytes)}`;
  return { value: { ...slabBytes, value: measured.bytes, inferred }, problems: [] };
}

/** The one page size of an architecture that has no other. */
function onlySizeOf(machine: PageEvidence['machine'], kind: PageEvidence['kind']) {
  if (machine) {
    return /^(?:x86_64|amd64|i[3-6]86|s390x?)$/.test(machine.value)
      ? { value: 4096, name: machine.value, fact: machine }
      : undefined;
  }
  return kind && (kind.value === 'x86' || kind.value === 's390')
    ? { value: 4096, name: kind.value, fact: kind }
    : undefined;
}

type Measurement = { bytes: number; quotient: number } | { bytes?: undefined; why: string };

function measure(slab: Slabinfo, slabBytes: Fact<number>): Measurement {
  const { caches } = slab;
  if (slab.lastLineIsCut) return { why: 'its last line is cut, so that caches are missing' };
  if (caches.length < FEW_CACHES) return { why: `no kernel has so few caches (${caches.length})` };
  const pages = caches.reduce((sum, { totalSlabs, pagesPerSlab }) => sum + totalSlabs * pagesPerSlab, 0);
  if (pages === 0) return { why: 'its caches have no slab' };
  const quotient = Math.round(slabBytes.value / pages);
  const off = (size: number) => Math.abs(slabBytes.value / pages / size - 1);
  const bytes = SIZES.find((size) => off(size) <= TOLERANCE);
  const measured = `Slab in ${slabBytes.file} ÷ the pages of its slabs is ${quotient} bytes`;
  if (bytes === undefined) return { why: `${measured}, which is near no page size` };
  // A part of the file would give a larger size; what fits into the slabs does not change with the part.
  if (!holds(slab, bytes)) return { why: `${measured}, but what its slabs hold does not fit pages of ${kib(bytes)}` };
  return { bytes, quotient };
}

/** Whether the slabs hold what they have room for with pages of this size; SLAB keeps room for its own descriptors. */
function holds(slab: Slabinfo, pageBytes: number): boolean {
  const room = ({ pagesPerSlab, objectBytes }: SlabCache) => Math.floor((pagesPerSlab * pageBytes) / objectBytes);
  const counted = slab.caches.filter(({ objectsPerSlab, objectBytes }) => objectsPerSlab && objectBytes > 0);
  if (counted.some((cache) => (cache.objectsPerSlab ?? 0) > room(cache))) return false;
  const full = counted.filter((cache) => cache.objectsPerSlab === room(cache));
  return detectAllocator(slab) !== 'SLUB' || full.length >= MOST_CACHES * counted.length;
}

function confirmed(measured: Measurement | undefined, bytes: number): string {
  if (measured?.bytes !== bytes) return '';
  return `; Slab in meminfo ÷ the pages of all slabs, ${(measured.quotient / 1024).toFixed(2)} KiB, confirms it`;
}

function kib(bytes: number): string {
  return `${bytes / 1024} KiB`;
}
