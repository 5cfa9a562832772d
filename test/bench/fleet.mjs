/**
 * `npm run bench:fleet [-- --bundles 1000 --runs 3]`: what a fleet costs, whole process: with one worker and with two, a second run with
 * one new bundle, and the same with nothing new. Beside two workers stand two programs with one worker and half of the bundles each: more
 * than that the machine does not have. The index as PDF is measured by itself: it is a browser's work. Takes some minutes, and two idle
 * cores to mean anything.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeBundle } from './generate.mjs';

const { values } = parseArgs({
  options: { bundles: { type: 'string', default: '1000' }, runs: { type: 'string', default: '3' } },
});
const bundles = Number(values.bundles);
const runs = Number(values.runs);

const ENTRIES = 2000;
const FOLDER = 'out/bench-fleet';

const say = (line) => process.stdout.write(`${line}\n`);

/** A folder of bundles, each of a host of its own, and one that is not in it; made if there is none of the generator as it is now. */
async function makeBundles() {
  const generator = readFileSync(fileURLToPath(new URL('generate.mjs', import.meta.url)));
  const version = createHash('sha256').update(generator).digest('hex').slice(0, 8);
  const folder = `${FOLDER}/bundles-${bundles}-${version}`;
  const spare = `${FOLDER}/spare-${version}.tar.gz`;
  if (!existsSync(folder)) {
    say(`making ${bundles} bundles in ${folder}`);
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    for (let n = 1; n <= bundles; n++) {
      const hostname = `gw-${String(n).padStart(4, '0')}.example.net`;
      await writeBundle(`${part}/${hostname}.tar.gz`, ENTRIES, { seed: n, hostname });
    }
    renameSync(part, folder);
  }
  if (!existsSync(spare)) await writeBundle(spare, ENTRIES, { seed: 1_000_003, hostname: 'gw-new.example.net' });
  return { folder, spare };
}

/** What a process and its children hold at the moment, in MiB; what they share is counted for each. */
function memoryOf(pid) {
  const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
  const own = Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
  return children.reduce((sum, child) => sum + memoryOf(child), own);
}

/** User and system time of all children that have ended, theirs included, in seconds (proc(5), stat, fields 16 and 17; 100 ticks a second). */
function childSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Runs the program once: seconds by the clock and of CPU, and the most memory of it and its workers, in MiB. */
function run(inputs, out, ...options) {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const before = childSeconds();
    const args = ['dist/cli.cjs', 'fleet', ...inputs, '--out', out, ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, memoryOf(child.pid));
    }, 20);
    child.on('exit', (code) => {
      clearInterval(watch);
      if (code === 0)
        resolve({ wall: Number(process.hrtime.bigint() - start) / 1e9, cpu: childSeconds() - before, peak });
      else reject(new Error(`fleet ${options.join(' ')} ended with ${code}`));
    });
  });
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const spread = (numbers, digits = 2) =>
  `${median(numbers).toFixed(digits)} (${Math.min(...numbers).toFixed(digits)} – ${Math.max(...numbers).toFixed(digits)})`;

const { folder, spare } = await makeBundles();
const out = `${FOLDER}/out`;
const fresh = () => rmSync(out, { recursive: true, force: true });
const FORMATS = ['--format', 'html,csv,json'];
const load = () => loadavg()[0].toFixed(1);

say(
  `Node ${process.version}; ${bundles} bundles of ${ENTRIES} entries; median (least – most) of ${runs} runs; load ${load()} before`,
);
const results = { one: [], two: [], programs: [], same: [], added: [], pdf: [] };
const all = readdirSync(folder).map((name) => `${folder}/${name}`);
const halves = [all.filter((_, at) => at % 2 === 0), all.filter((_, at) => at % 2 === 1)];
const inFolder = `${folder}/${readdirSync(folder).length}-new.tar.gz`;
for (let n = 0; n < runs; n++) {
  fresh();
  results.one.push(await run([folder], out, ...FORMATS, '--workers', '1'));
  fresh();
  const programs = halves.map((half, at) => run(half, `${out}/${at}`, ...FORMATS, '--workers', '1'));
  const [first, second] = await Promise.all(programs);
  results.programs.push({ wall: Math.max(first.wall, second.wall), peak: first.peak + second.peak });
  fresh();
  results.two.push(await run([folder], out, ...FORMATS, '--workers', '2'));
  results.same.push(await run([folder], out, ...FORMATS, '--workers', '2'));
  copyFileSync(spare, inFolder);
  try {
    results.added.push(await run([folder], out, ...FORMATS, '--workers', '2'));
  } finally {
    rmSync(inFolder);
  }
  results.pdf.push(await run([folder], out, '--format', 'pdf', '--workers', '2'));
}
fresh();
const walls = (name) => results[name].map(({ wall }) => wall);
const peakOf = (...names) => Math.max(...names.flatMap((name) => results[name].map(({ peak }) => peak))).toFixed(0);
const each = (name, other) => walls(name).map((wall, n) => wall / walls(other)[n]);
say(
  `  one worker:   ${spread(walls('one'))} s, ${(bundles / median(walls('one'))).toFixed(0)} bundles a second, ${peakOf('one')} MiB`,
);
say(
  `  two workers:  ${spread(walls('two'))} s, ${(bundles / median(walls('two'))).toFixed(0)} bundles a second, ${peakOf('two')} MiB`,
);
say(
  `  throughput of two ÷ one: ${spread(each('one', 'two'))} (aim: at least 1.7 on two idle cores); two programs side by side: ${spread(each('one', 'programs'))}`,
);
const percents = (name) =>
  spread(
    each(name, 'two').map((ratio) => 100 * ratio),
    1,
  );
const cpuPercents = (name) =>
  spread(
    results[name].map(({ cpu }, n) => (100 * cpu) / results.two[n].cpu),
    1,
  );
say(
  `  second run, one new bundle: ${spread(walls('added'))} s, ${percents('added')} % of the first, ${cpuPercents('added')} % of its CPU (aim: under 5 %), ${peakOf('added')} MiB`,
);
say(`  second run, nothing new:    ${spread(walls('same'))} s, ${percents('same')} % of the first`);
say(`  index.pdf by itself:        ${spread(walls('pdf'))} s; load ${load()} after`);
