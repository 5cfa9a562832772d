/**
 * `npm run bench:table [-- --entries 10000000 --pairs 3]`: what a report costs, whole process, as a ratio to `gzip -dc` of the
 * same bundle in the same run, beside what people would type instead.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeBundle } from './generate.mjs';

const { values } = parseArgs({
  options: { entries: { type: 'string', default: '1100000' }, pairs: { type: 'string', default: '5' } },
});
const entries = Number(values.entries);
const pairs = Number(values.pairs);
const bundle = `out/bench-${entries}.tar.gz`;
const small = 'out/bench-2000.tar.gz';

const AWK = `'{ s[$6]++; for (i = 5; i < 9; i++) if ($i ~ /^src=/) { n[$i]++; break } } END { for (k in n) if (n[k] > m) { m = n[k]; t = k } print t, m }'`;
const PYTHON = `import re,sys,collections
row=re.compile(r'^(\\S+)\\s+(\\d+) (\\S+)\\s+(\\d+) (?:(\\d+) )?(?:([A-Z_]+) )?src=(\\S+) dst=(\\S+)')
states,sources=collections.Counter(),collections.Counter()
for line in sys.stdin:
    m=row.match(line)
    if m: states[m[6]]+=1; sources[m[7]]+=1
print(sources.most_common(1))`;

const say = (line) => process.stdout.write(`${line}\n`);

const zcat = `gzip -dc ${bundle}`;
const COMMANDS = [
  { name: 'conntrack-report, everything, JSON', command: `node dist/cli.js report ${bundle} --format json --out out` },
  { name: 'gzip -dc | wc -l', command: `${zcat} | wc -l` },
  { name: 'mawk: states and top source only', needs: 'mawk', command: `${zcat} | mawk ${AWK}` },
  { name: 'gawk: states and top source only', needs: 'gawk', command: `${zcat} | LC_ALL=C gawk ${AWK}` },
  { name: 'python3 and a regex: the same only', needs: 'python3', command: `${zcat} | python3 -c "$PROGRAM"` },
];

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

const spread = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return `${sorted[sorted.length >> 1].toFixed(2)} (${sorted[0].toFixed(2)} – ${sorted.at(-1).toFixed(2)})`;
};

/** Runs a command and its yardstick in turns, and prints the ratios: median, least and most. */
async function compare({ name, needs, command }, yardstick) {
  if (needs && spawnSync('sh', ['-c', `command -v ${needs}`]).status !== 0) {
    say(`${name}: skipped, ${needs} is not installed`);
    return;
  }
  const runs = [];
  for (let pair = 0; pair < pairs; pair++) runs.push([await run(command), await run(yardstick)]);
  const wall = spread(runs.map(([a, b]) => a.wall / b.wall));
  const cpu = spread(runs.map(([a, b]) => a.cpu / Math.max(0.01, b.cpu)));
  const peak = Math.max(...runs.map(([a]) => a.peak));
  say(`${name}: wall ${wall} ×, CPU ${cpu} ×, ${peak.toFixed(0)} MiB`);
}

for (const [file, count] of [
  [bundle, entries],
  [small, 2000],
]) {
  if (!existsSync(file)) await writeBundle(file, count);
}
say(`${entries} entries, ${pairs} pairs; median (least – most)`);
say(`\nAgainst ${zcat} > /dev/null`);
for (const command of COMMANDS) await compare(command, zcat);
say('\nAgainst node -e 0');
await compare({ name: 'conntrack-report --help', command: 'node dist/cli.js --help' }, 'node -e 0');
await compare(
  {
    name: 'report of 2 000 entries, HTML and JSON',
    command: `node dist/cli.js report ${small} --format html,json --out out`,
  },
  'node -e 0',
);
