import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Described } from '../../src/cli/described.ts';
import { checkOptions, commandAt } from '../../src/cli/words.ts';
import { UsageError } from '../../src/commands/exit-codes.ts';
import { nearest } from '../../src/commands/nearest.ts';

const NAMES = ['report', 'compare', 'fleet', 'analyse', 'convert', 'collector', 'collect', 'schema'];

test.each([
  ['repport', 'report'],
  ['rpeort', 'report'],
  ['Report', 'report'],
  ['analyze', 'analyse'],
  ['fleets', 'fleet'],
  ['coll', undefined],
  ['sche', 'schema'],
  ['xyz', undefined],
  ['', undefined],
])('%s is meant to be %s', (word, name) => expect(nearest(word, NAMES)).toBe(name));

test('a name is nearest to itself, and to what it becomes by one slip', () => {
  const names = fc.constantFrom(...NAMES.filter((name) => !name.startsWith('collect')));
  fc.assert(fc.property(names, (name) => nearest(name, NAMES) === name));
  fc.assert(
    fc.property(names, fc.nat(20), fc.constantFrom('drop', 'double', 'swap', 'change'), (name, where, slip) => {
      const at = where % (name.length - 1);
      const [a = '', b = ''] = [name[at], name[at + 1]];
      const middle = { drop: b, double: a + a + b, swap: b + a, change: `q${b}` }[slip];
      expect(nearest(name.slice(0, at) + middle + name.slice(at + 2), NAMES)).toBe(name);
    }),
  );
});

test.each([
  [['report', 'x'], 0],
  [['--config', 'report', 'report'], 2],
  [['--config=a', '--no-config', 'report'], 2],
  [['--help', 'nonsense'], undefined],
  [[], undefined],
])('the command among %j', (words, at) => expect(commandAt(words, NAMES)).toBe(at));

test.each([
  [['repport'], 'there is no command repport; did you mean report?'],
  [['package.json'], 'there is no command package.json; did you mean report package.json?'],
  [['xyz'], 'there is no command xyz'],
  [['--quiet=1', 'report'], '--quiet: options come behind the command, as in report --quiet'],
])('%j is no command', (words, message) => expect(() => commandAt(words, NAMES)).toThrow(new UsageError(message)));

const option = (name: string, more: Partial<Described> = {}): Described => ({
  name,
  describe: '',
  isPositional: false,
  isBoolean: false,
  isList: false,
  isPath: false,
  isDemanded: false,
  choices: undefined,
  parts: [],
  usual: undefined,
  ...more,
});
const OPTIONS = [
  option('format'),
  option('memory-budget'),
  option('from', { isList: true }),
  option('json', { isBoolean: true }),
  option('bundle', { isPositional: true }),
];

test.each([
  [['--fromat', 'json'], 'there is no option --fromat; did you mean --format?'],
  [['--fromat=json'], 'there is no option --fromat; did you mean --format?'],
  [['-format', 'json'], 'there is no option -format; did you mean --format?'],
  [['--memoryBuget', '5'], 'there is no option --memoryBuget; did you mean --memory-budget?'],
  [['--memory', '5'], 'there is no option --memory; did you mean --memory-budget?'],
  [['--no-jsno'], 'there is no option --no-jsno; did you mean --no-json?'],
  [['--no-format'], 'there is no option --no-format; did you mean --format?'],
  [['--bundle', 'x'], 'there is no option --bundle'],
  [['-x'], 'there is no option -x'],
  [['--format', 'a', '--format=b'], '--format is given twice'],
])('%j is refused', (words, message) => expect(() => checkOptions(words, OPTIONS)).toThrow(new UsageError(message)));

test.each([
  [['-', 'a.tar.gz', '--format', 'json']],
  [['--memoryBudget=5', '--no-json', '-h']],
  [['--from', 'a', '--from', 'b']],
  [['--memory-budget', '-5']],
  [['--', '--fromat']],
])('%j is taken', (words) => expect(() => checkOptions(words, OPTIONS)).not.toThrow());
