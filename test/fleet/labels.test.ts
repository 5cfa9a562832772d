import { expect, test } from 'vitest';
import { LabelsError, parseLabels, readLabels } from '../../src/fleet/labels.ts';

const hosts = (text: string) => [...parseLabels(text, 'hosts.csv').hosts.values()];

test('a column of host names wherever it stands, and the others are labels', () => {
  const { columns } = parseLabels('Site,hostname,Customer\nLyon,gw-1,Acme\n', 'hosts.csv');
  expect(columns).toEqual(['Site', 'Customer']);
  expect(hosts('Site,hostname,Customer\nLyon,gw-1,Acme\n')).toEqual([
    { hostname: 'gw-1', labels: { Site: 'Lyon', Customer: 'Acme' } },
  ]);
});

test('as spreadsheets write it: a byte order mark, CRLF, quotes, empty lines, blanks around', () => {
  expect(hosts('\ufeffhostname,site\r\n gw-1 ,"Lyon, ""Part-Dieu"""\r\n\r\ngw-2,\r\n')).toEqual([
    { hostname: 'gw-1', labels: { site: 'Lyon, "Part-Dieu"' } },
    { hostname: 'gw-2', labels: {} },
  ]);
});

test.each([
  ['', 'hosts.csv, line 1: expected a header such as hostname,site,customer'],
  ['site,customer\nLyon,Acme\n', 'hosts.csv, line 1: expected a column hostname, found site, customer'],
  ['hostname,site,SITE\n', 'hosts.csv, line 1: two columns are called site'],
  ['hostname,,site\n', 'hosts.csv, line 1: a column has no name'],
  ['hostname,site\ngw-1,Lyon\ngw-2\n', 'hosts.csv, line 3: expected 2 fields, as in the header, found 1'],
  ['hostname,site\ngw-1,Lyon,Acme\n', 'hosts.csv, line 2: expected 2 fields, as in the header, found 3'],
  ['hostname,site\n,Lyon\n', 'hosts.csv, line 2: hostname is empty'],
  ['hostname,site\ngw-1,Lyon\n\nGW-1,Oslo\n', 'hosts.csv, line 4: GW-1 is there twice'],
])('%j is refused, with its line', (text, message) => {
  expect(() => parseLabels(text, 'hosts.csv')).toThrow(new LabelsError(message));
});

test('what is no CSV is refused with the line where it ends to be', () => {
  expect(() => parseLabels('hostname,site\ngw-1,"Lyon\n', 'hosts.csv')).toThrow(/^hosts\.csv, line \d+: /);
});

test('a file that is not there', () => {
  expect(() => readLabels('/nowhere/hosts.csv')).toThrow(/^\/nowhere\/hosts\.csv cannot be read: /);
});
