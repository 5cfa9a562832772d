/**
 * `npm run bench:table [-- --pairs 9]`: what a report costs, whole process, as a ratio to `gzip -dc` of the same bundle in the same
 * run, beside what people would type instead. Takes a quarter of an hour, and two idle cores to mean anything.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeBundle } from './generate.mjs';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '9' } } });
const manyPairs = Number(values.pairs);
const fewPairs = Math.ceil(manyPairs / 3);

const MILLION = 1_100_000;
const TEN_MILLION = 10_000_000;
/** Clients that are all as busy as each other, of which 4 million are met in ten million entries. */
const MANY_SOURCES = { sources: 4_500_000, even: true };

const AWK = `'{ s[$6]++; for (i = 5; i < 9; i++) if ($i ~ /^src=/) { n[$i]++; break } } END { for (k in n) if (n[k] > m) { m = n[k]; t = k } print t, m }'`;
const PYTHON = `import re,sys,collections
row=re.compile(r'^(\\S+)\\s+(\\d+) (\\S+)\\s+(\\d+) (?:(\\d+) )?(?:([A-Z_]+) )?src=(\\S+) dst=(\\S+)')
states,sources=collections.Counter(),collections.Counter()
for line in sys.stdin:
    m=row.match(line)
    if m: states[m[6]]+=1; sources[m[7]]+=1
print(sources.most_common(1))`;

const say = (line) => process.stdout.write(`${line}\n`);
const reportOf = (bundle, formats) => `node dist/cli.cjs report ${bundle} --format ${formats} --out out`;

/** What people type instead, most of it for less. */
const othersOf = (zcat) => [
  { name: 'zcat | wc -l', command: `${zcat} | wc -l` },
  { name: 'mawk: states and top source only', needs: 'mawk', command: `${zcat} | mawk ${AWK}` },
  { name: 'gawk: states and top source only', needs: 'gawk', command: `${zcat} | LC_ALL=C gawk ${AWK}` },
  { name: 'python3 and a regex: the same only', needs: 'python3', command: `${zcat} | python3 -c "$PROGRAM"` },
];

/** The path of a bundle, made if there is none of the generator as it is now. */
async function bundleOf(name, entries, options) {
  const generator = readFileSync(fileURLToPath(new URL('generate.mjs', import.meta.url)));
  const version = createHash('sha256').update(generator).digest('hex').slice(0, 8);
  const file = `out/bench-${name}-${version}.tar.gz`;
  if (!existsSync(file)) {
    say(`making ${file}`);
    await writeBundle(file, entries, options);
  }
  return file;
}

/** User and system time of all children that have ended, in seconds (proc(5), stat, fields 16 and 17; 100 ticks a second). */
function childSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Runs a command once: seconds by the clock and of CPU, and the most memory of its first process, in MiB. */
function run(command) {
  return new Promise((resolve, reject) => {
    const cpu = childSeconds();
    const start = process.hrtime.bigint();
    const child = spawn('sh', ['-c', `exec ${command}`], { stdio: 'ignore', env: { ...process.env, PROGRAM: PYTHON } });
    let peak = 0;
    const watch = setInterval(() => {
      const status = existsSync(`/proc/${child.pid}/status`) ? readFileSync(`/proc/${child.pid}/status`, 'utf8') : '';
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    }, 20);
    child.on('exit', (code) => {
      clearInterval(watch);
      const wall = Number(process.hrtime.bigint() - start) / 1e9;
      if (code === 0) resolve({ wall, cpu: childSeconds() - cpu, peak });
      else reject(new Error(`${command} ended with ${code}`));
    });
  });
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const spread = (numbers) =>
  `${median(numbers).toFixed(2)} (${Math.min(...numbers).toFixed(2)} – ${Math.max(...numbers).toFixed(2)})`;

/**
 * Runs a command and its yardstick in turns, prints the ratios (median, least and most), and resolves to the median seconds of the
 * command's CPU.
 */
async function compare(pairs, yardstick, { name, needs, command }) {
  if (needs && spawnSync('sh', ['-c', `command -v ${needs}`]).status !== 0) {
    say(`  ${name}: skipped, ${needs} is not installed`);
    return 0;
  }
  const runs = [];
  for (let pair = 0; pair < pairs; pair++) runs.push([await run(command), await run(yardstick)]);
  const wall = spread(runs.map(([a, b]) => a.wall / b.wall));
  const cpu = spread(runs.map(([a, b]) => a.cpu / Math.max(0.01, b.cpu)));
  const peak = Math.max(...runs.map(([a]) => a.peak));
  say(`  ${name}: wall ${wall} ×, CPU ${cpu} ×, ${peak.toFixed(0)} MiB`);
  return median(runs.map(([a]) => a.cpu));
}

say(`Node ${process.version}; median (least – most) of ${manyPairs} pairs, of ${fewPairs} of the large ones`);
const small = await bundleOf('2000', 2000);
say('\nAgainst node -e 0');
await compare(manyPairs, 'node -e 0', { name: 'conntrack-report --help', command: 'node dist/cli.cjs --help' });
await compare(manyPairs, 'node -e 0', {
  name: 'report of 2 000 entries, HTML and JSON',
  command: reportOf(small, 'html,json'),
});

const million = await bundleOf('1.1M', MILLION);
say(`\n1.1 million entries, against gzip -dc of the bundle > /dev/null`);
const everything = { name: 'conntrack-report, everything, JSON', command: reportOf(million, 'json') };
const millionCpu = await compare(manyPairs, `gzip -dc ${million}`, everything);
for (const other of othersOf(`gzip -dc ${million}`)) await compare(fewPairs, `gzip -dc ${million}`, other);

const tenMillion = await bundleOf('10M', TEN_MILLION);
say(`\n10 million entries, against the same`);
const tenMillionCpu = await compare(fewPairs, `gzip -dc ${tenMillion}`, {
  ...everything,
  command: reportOf(tenMillion, 'json'),
});
say(`  CPU of 10 million entries: ${(tenMillionCpu / millionCpu).toFixed(1)} times that of 1.1 million`);

const manySources = await bundleOf('10M-many-sources', TEN_MILLION, MANY_SOURCES);
say(`\n10 million entries of 4 million sources, against the same`);
await compare(fewPairs, `gzip -dc ${manySources}`, { ...everything, command: reportOf(manySources, 'json') });
