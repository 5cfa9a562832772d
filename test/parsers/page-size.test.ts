import { describe, expect, it, test } from 'vitest';
import {
  pageBytesFromProcess,
  parseGetconf,
  parseGetconfA,
  parseKernelPageSize,
  parsePageConfig,
} from '../../src/parsers/page-size.ts';
import { fixture, foreignTexts } from './fixture.ts';

describe('getconf PAGESIZE', () => {
  const file = 'commands/getconf-PAGESIZE';
  test.each([4096, 8192, 16384, 65536, 262144])('%i', (bytes) => {
    expect(parseGetconf(`${bytes}\n`, file)).toEqual({ value: { value: bytes, file }, problems: [] });
  });

  it.each(['0', '4000', '512', '2097152', '-4096', 'undefined', '4096 4096', '4 kB'])('is not %s', (text) => {
    expect(parseGetconf(text, file)).toMatchObject({
      value: undefined,
      problems: [{ file, what: `tells no page size: "${text}"` }],
    });
  });

  it.each(foreignTexts)('is not %s', (_what, text) => {
    expect(parseGetconf(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});

describe('getconf -a', () => {
  const file = 'commands/getconf-a';
  const text = fixture('getconf-a.txt');
  it('finds the line', () => {
    const line = text.split('\n').findIndex((each) => each.startsWith('PAGESIZE')) + 1;
    expect(parseGetconfA(text, file)).toEqual({ value: { value: 4096, file, line }, problems: [] });
    expect(parseGetconfA('PAGE_SIZE                          65536\n', file).value?.value).toBe(65_536);
  });

  it.each([
    ...foreignTexts,
    ['other variables', '_PHYS_PAGES                        6171024\n'] as const,
    ['a size that is none', 'PAGESIZE                           4000\n'] as const,
    ['a line that is cut', 'PAGESIZE                           \n'] as const,
  ])('is not %s', (_what, printed) => {
    expect(parseGetconfA(printed, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});

describe('the configuration of a kernel', () => {
  const file = 'boot/config';
  test.each([
    ['CONFIG_ARM64_64K_PAGES=y', 65_536],
    ['CONFIG_ARM64_16K_PAGES=y', 16_384],
    ['CONFIG_ARM64_4K_PAGES=y', 4096],
    ['CONFIG_PPC_64K_PAGES=y', 65_536],
    ['CONFIG_PPC_4K_PAGES=y', 4096],
    ['CONFIG_PAGE_SIZE_16KB=y', 16_384],
    ['CONFIG_ARM64_64K_PAGES=y\nCONFIG_HAVE_PAGE_SIZE_64KB=y\nCONFIG_PAGE_SIZE_64KB=y', 65_536],
  ])('%s', (options, value) => {
    const text = `# Linux/arm64 6.6.30 Kernel Configuration\n# CONFIG_ARM64_8K_PAGES is not set\n${options}\nCONFIG_PAGE_SIZE_LESS_THAN_256KB=y\n`;
    expect(parsePageConfig(text, file)).toEqual({ value: { value, file, line: 3 }, problems: [] });
  });

  it.each([
    ...foreignTexts,
    ['a kernel that has one size only', 'CONFIG_X86_64=y\nCONFIG_NF_CONNTRACK=m\n'] as const,
    ['two sizes', 'CONFIG_ARM64_4K_PAGES=y\nCONFIG_ARM64_64K_PAGES=y\n'] as const,
    ['options that are off', '# CONFIG_ARM64_4K_PAGES is not set\nCONFIG_ARM64_64K_PAGES=n\n'] as const,
    ['another file', 'net.core.message_cost = 5\n'] as const,
  ])('is not %s', (_what, text) => {
    expect(parsePageConfig(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});

describe('KernelPageSize', () => {
  const file = 'proc/self/smaps';
  it('reads the one line that the collector keeps', () => {
    expect(parseKernelPageSize('KernelPageSize:        4 kB\n', file).value).toEqual({ value: 4096, file });
  });

  it('finds the line in a whole smaps, not that of the MMU', () => {
    const text =
      '00400000-0040b000 r-xp 00000000 08:01 1 /bin/cat\nSize: 44 kB\nMMUPageSize:   4 kB\nKernelPageSize:       64 kB\n';
    expect(parseKernelPageSize(text, file).value).toEqual({ value: 65536, file, line: 4 });
  });

  it('says that a smaps before 2.6.29 has no such line', () => {
    expect(parseKernelPageSize('Size: 44 kB\nRss: 4 kB\n', file)).toMatchObject({
      value: undefined,
      problems: [{ what: 'has no line KernelPageSize' }],
    });
  });
});

describe('a process in KiB over the same in pages', () => {
  const files: [string, string] = ['proc/1/statm', 'proc/1/status'];
  test.each([
    ['2598 1013 712 10 0 300 0\n', 'VmSize:\t   10392 kB\n', 4096],
    ['163 100 70 10 0 30 0\n', 'VmSize:\t   10432 kB\n', 65536],
  ])('%j and %j', (statm, status, value) => {
    expect(pageBytesFromProcess(statm, status, files)).toEqual({
      value: { value, file: 'proc/1/status' },
      problems: [],
    });
  });

  it('names the line of a whole status', () => {
    const status = 'Name:\tinit\nVmPeak:\t   10396 kB\nVmSize:\t   10392 kB\n';
    expect(pageBytesFromProcess('2598 1', status, files).value?.line).toBe(3);
  });

  test.each([
    ['a process that grew in between', '2599 1013', 'VmSize:\t10392 kB', 'proc/1/status'],
    ['a kernel thread', '0 0 0', 'VmSize:\t0 kB', 'proc/1/statm'],
    ['no VmSize', '2598 1013', 'Name:\tkthreadd', 'proc/1/status'],
    ['no statm', '', 'VmSize:\t10392 kB', 'proc/1/statm'],
  ])('refuses %s', (_what, statm, status, file) => {
    expect(pageBytesFromProcess(statm, status, files)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});
