import { describe, expect, it, test } from 'vitest';
import { pageBytesFromProcess, parseGetconf, parseKernelPageSize } from '../../src/parsers/page-size.ts';
import { foreignTexts } from './fixture.ts';

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
