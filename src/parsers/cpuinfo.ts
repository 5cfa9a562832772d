/**
 * `/proc/cpuinfo`, arch/…/kernel/…: a block for each processor that is online, which most architectures begin with
 *     processor	: 0
 * s390 prints `processor 0: version = FF, …` and counts them itself (`# processors    : 2`). A block is 1 to 2 KiB on x86, so that a
 * large machine has some MiB of it: it is searched, not split into lines.
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, quote, refuse, unusableContent } from './text.ts';

/** Kinds of machines, as far as cpuinfo tells them apart: by words of its first block. */
export type MachineKind = 'x86' | 'arm' | 's390' | 'ppc' | 'riscv' | 'mips' | 'loongarch';

/** What it says of the machine. */
export interface Cpuinfo {
  cpus: Fact<number>;
  kind?: Fact<MachineKind> | undefined;
}

const KINDS: [MachineKind, RegExp][] = [
  ['s390', /^vendor_id\s*: IBM\/S390/m],
  ['x86', /^(?:vendor_id|cpu family|cpuid level)\s*:/m],
  ['arm', /^(?:CPU implementer|CPU architecture)\s*:/m],
  ['riscv', /^isa\s*:\s*rv/m],
  ['loongarch', /^CPU Family\s*: Loongson/m],
  ['mips', /^system type\s*:/m],
  ['ppc', /^revision\s*:/m],
];

/** How far into the file the first block reaches at the most. */
const FIRST_BLOCK = 16_384;

/** Counts the processors, and tells the kind of machine. */
export function parseCpuinfo(text: string, file: string): Parsed<Cpuinfo> {
  const cost = 'The number of CPUs is not known from this file.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const first = text.slice(0, FIRST_BLOCK);
  const kind = KINDS.find(([, words]) => words.test(first))?.[0];
  const withKind = kind === undefined ? {} : { kind: fact(kind, file) };
  const counted = /^# processors\s*:\s*(\d{1,6})$/m.exec(text)?.[1];
  const starts = [...text.matchAll(/^processor[ \t]*(?::[ \t]*\d+[ \t\r]*$|\d+:)/gm)].map(({ index }) => index);
  const cpus = counted === undefined ? starts.length : Number(counted);
  if (cpus === 0) return refuse(file, `names no processor: ${quote(text.trim())}`, cost);
  const [begin = 0, end = text.length] = starts;
  const whole = linesOf(text.slice(begin, end));
  // Every processor has the same lines: where the last one has fewer, the file was cut, and more may be missing than these.
  if (counted === undefined && starts.length > 1 && linesOf(text.slice(starts.at(-1))) < whole) {
    return refuse(file, `ends within processor ${starts.length - 1}, as it was counted from 0`, cost);
  }
  return { value: { cpus: fact(cpus, file), ...withKind }, problems: [] };
}

function linesOf(block: string): number {
  return block.match(/^\S.*$/gm)?.length ?? 0;
}

/** The kind of a machine that `uname -m` names; undefined for names that are not known. */
export function kindOfMachine(machine: string): MachineKind | undefined {
  const kinds: [MachineKind, RegExp][] = [
    ['x86', /^(?:x86_64|amd64|i[3-6]86)$/],
    ['arm', /^(?:aarch64|arm)/],
    ['s390', /^s390/],
    ['ppc', /^(?:ppc|powerpc)/],
    ['riscv', /^riscv/],
    ['mips', /^mips/],
    ['loongarch', /^loongarch/],
  ];
  return kinds.find(([, name]) => name.test(machine))?.[0];
}
