import { describe, expect, it, test } from 'vitest';
import { kindOfMachine, parseCpuinfo } from '../../src/parsers/cpuinfo.ts';
import { fixture, foreignTexts } from './fixture.ts';

const file = 'proc/cpuinfo';
const x86 = fixture('cpuinfo-x86-2.txt');

/** As arch/…/kernel of each architecture prints its first lines. */
const others: [kind: string, cpus: number, text: string][] = [
  [
    'arm',
    2,
    'processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU revision\t: 1\n\nprocessor\t: 1\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU revision\t: 1\n',
  ],
  [
    's390',
    2,
    'vendor_id       : IBM/S390\n# processors    : 2\nbogomips per cpu: 3241.00\nprocessor 0: version = FF,  identification = 0133E8,  machine = 2964\nprocessor 1: version = FF,  identification = 0133E8,  machine = 2964\n',
  ],
  [
    'ppc',
    2,
    'processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 2900.000000MHz\nrevision\t: 2.2 (pvr 004e 1202)\n\nprocessor\t: 1\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 2900.000000MHz\nrevision\t: 2.2 (pvr 004e 1202)\n\ntimebase\t: 512000000\nmachine\t\t: CHRP IBM\n',
  ],
  ['riscv', 1, 'processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\n'],
  ['mips', 1, 'system type\t\t: MediaTek MT7621 ver:1 eco:3\nprocessor\t\t: 0\ncpu model\t\t: MIPS 1004Kc V2.15\n'],
  ['loongarch', 1, 'system type\t\t: generic-loongson-machine\n\nprocessor\t\t: 0\nCPU Family\t\t: Loongson-64bit\n'],
];

describe('cpuinfo', () => {
  it('counts the processors of x86', () => {
    expect(parseCpuinfo(x86, file)).toEqual({
      value: { cpus: { value: 2, file }, kind: { value: 'x86', file } },
      problems: [],
    });
  });

  it.each(others)('%s: %i', (kind, cpus, text) => {
    expect(parseCpuinfo(text, file)).toEqual({
      value: { cpus: { value: cpus, file }, kind: { value: kind, file } },
      problems: [],
    });
  });

  it('counts processors whose blank lines were stripped', () => {
    expect(parseCpuinfo(x86.replace(/\n\n/g, '\n'), file).value?.cpus.value).toBe(2);
  });

  it('refuses to count in a file that was cut', () => {
    expect(parseCpuinfo(x86.slice(0, -300), file)).toMatchObject({
      value: undefined,
      problems: [{ file, what: 'ends within processor 1, as it was counted from 0' }],
    });
  });

  it('reads the many MiB of a large machine in good time', () => {
    const block = x86.slice(0, x86.indexOf('\n\n') + 2);
    const text = Array.from({ length: 8192 }, (_, cpu) => block.replace(/: 0$/m, `: ${cpu}`)).join('');
    const start = performance.now();
    expect(parseCpuinfo(text, file).value?.cpus.value).toBe(8192);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it.each([...foreignTexts, ['another file', 'MemTotal: 1 kB\n'] as const])('refuses %s', (_what, text) => {
    expect(parseCpuinfo(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});

test.each([
  ['x86_64', 'x86'],
  ['i686', 'x86'],
  ['armv7l', 'arm'],
  ['aarch64', 'arm'],
  ['ppc64le', 'ppc'],
  ['s390x', 's390'],
  ['riscv64', 'riscv'],
  ['mips64', 'mips'],
  ['loongarch64', 'loongarch'],
  ['vax', undefined],
])('%s is of the kind %s', (machine, kind) => expect(kindOfMachine(machine)).toBe(kind));
