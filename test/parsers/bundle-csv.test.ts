import { describe, expect, it, test } from 'vitest';
import { parseInventory, parseManifest, parseNetns } from '../../src/parsers/bundle-csv.ts';
import { foreignTexts } from './fixture.ts';

describe('manifest.csv', () => {
  const file = 'manifest.csv';
  const text = `key,value
format,conntrack-report bundle
format_version,1
command_line,"-o ""my, bundle"" --series 3"
hostname,gw-1
`;

  test('values, quoted and not', () => {
    const { value, problems } = parseManifest(text, file);
    expect(problems).toEqual([]);
    expect([...(value ?? [])]).toEqual([
      ['format', 'conntrack-report bundle'],
      ['format_version', '1'],
      ['command_line', '-o "my, bundle" --series 3'],
      ['hostname', 'gw-1'],
    ]);
  });

  it('reads Windows line ends and a byte order mark', () => {
    expect(parseManifest(`\ufeff${text.replaceAll('\n', '\r\n')}`, file)).toEqual(parseManifest(text, file));
  });

  it('keeps what comes before a quote that is never closed', () => {
    const { value, problems } = parseManifest(text.slice(0, text.indexOf('--series')), file);
    expect(value?.size).toBe(2);
    expect(problems).toMatchObject([{ line: 4, what: 'ends inside a quoted value: the file is cut or damaged' }]);
  });

  it('quotes lines that are no pair', () => {
    const { value, problems } = parseManifest('key,value\nformat\n,1\nuser_id,0\n', file);
    expect(value).toEqual(new Map([['user_id', '0']]));
    expect(problems).toMatchObject([{ line: 2, what: '2 lines were not understood: line 2 "format", line 3 ",1"' }]);
  });
});

describe('inventory.csv', () => {
  const file = 'inventory.csv';
  const header = 'path,source,status,reason,start,seconds,bytes,digest\n';

  test('every status', () => {
    const text = `${header}proc/slabinfo,/proc/slabinfo,captured,,0.21,0.01,25408,sha256:00ff
proc/net/nf_conntrack,/proc/net/nf_conntrack,cut,"over the limit, 100 entries",1,2.5,9000,cksum:12
proc/1/statm,/proc/1/statm,denied,Permission denied,,,,
a,b,absent,no such file,0,0,,
commands/dmesg,dmesg,failed,"no result
in 10 s",3,10,0,
proc/uptime,/proc/uptime,captured,,4,0,9,
`;
    const { value, problems } = parseInventory(text, file);
    expect(problems).toEqual([]);
    expect(value).toHaveLength(6);
    expect(value?.[0]).toEqual({
      path: 'proc/slabinfo',
      source: '/proc/slabinfo',
      status: 'captured',
      reason: '',
      startSeconds: 0.21,
      seconds: 0.01,
      bytes: 25408,
      digest: 'sha256:00ff',
    });
    expect(value?.[1]).toMatchObject({ status: 'cut', reason: 'over the limit, 100 entries', digest: 'cksum:12' });
    expect(value?.[2]).toEqual({
      path: 'proc/1/statm',
      source: '/proc/1/statm',
      status: 'denied',
      reason: 'Permission denied',
    });
    expect(value?.[4]).toMatchObject({ status: 'failed', reason: 'no result\nin 10 s', bytes: 0 });
  });

  it('finds its columns by name', () => {
    const text = 'status,path,new,source,reason,start,seconds,bytes,digest\ncaptured,p,x,s,,1,2,3,d\n';
    expect(parseInventory(text, file).value).toEqual([
      { path: 'p', source: 's', status: 'captured', reason: '', startSeconds: 1, seconds: 2, bytes: 3, digest: 'd' },
    ]);
  });

  it('quotes damaged lines, numbered as in the file', () => {
    const rows = [
      'a,b,failed,"two',
      'lines",1,1,,',
      '',
      'x,y,perhaps,"a',
      'b",1,1,1,',
      'n,/n,captured,,soon,1,3,',
      'm,/m,cut,,1,1,-3,',
    ];
    const { value, problems } = parseInventory(`${header}${rows.join('\n')}\n`, file);
    expect(value?.map(({ path }) => path)).toEqual(['a']);
    expect(problems).toEqual([
      {
        file,
        line: 5,
        what: '3 lines were not understood: line 5 "x,y,perhaps,a b,1,1,1,", line 7 "n,/n,captured,,soon,1,3,", line 8 "m,/m,cut,,1,1,-3,"',
        cost: 'What these lines say is missing.',
      },
    ]);
  });

  it('knows an inventory of nothing', () => {
    expect(parseInventory(header, file)).toEqual({ value: [], problems: [] });
  });
});

test('netns.csv', () => {
  const file = 'netns.csv';
  const text =
    'inode,pids,processes,names\n4026532453,3,nginx;tmux: server,web\n4026532500,0,,"a;b"\nx,1,,\n4026532501,many,,\n';
  const { value, problems } = parseNetns(text, file);
  expect(value).toEqual([
    { inode: '4026532453', pids: 3, processes: ['nginx', 'tmux: server'], names: ['web'] },
    { inode: '4026532500', pids: 0, processes: [], names: ['a', 'b'] },
  ]);
  expect(problems).toMatchObject([
    { file, line: 4, what: '2 lines were not understood: line 4 "x,1,,", line 5 "4026532501,many,,"' },
  ]);
});

describe.each(Object.entries({ parseManifest, parseInventory, parseNetns }))('%s', (_name, parse) => {
  it.each([...foreignTexts, ['another CSV', 'a,b\n1,2\n']])('refuses %s', (_what, text) => {
    expect(parse(text, 'x.csv')).toMatchObject({ value: undefined, problems: [{ file: 'x.csv' }] });
  });
});
