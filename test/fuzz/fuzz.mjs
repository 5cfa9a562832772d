/**
 * `npm run fuzz [-- --seed 1 --minutes 5 --runs 20000 --only NAME]`: inputs that are nearly what was captured, or made by a grammar, through
 * every parser, decoder and layout, the anonymiser, and the whole way from an archive to the reports. Of each parser it runs so many
 * inputs, and a fiftieth of that of each target of whole archives; `--only foreign,parse` runs those whose names begin so. The same seed
 * gives the same inputs.
 *
 * What is wrong with one is printed, and kept in kept/, as small as it can be made: what is thrown, what takes more than 5 seconds, more
 * than 512 MiB of JavaScript's memory or 2 GiB of the process's, and what targets.ts says of what is made of it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { forEsbuild } from '../../.config/generated.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    minutes: { type: 'string', default: '5' },
    runs: { type: 'string', default: '20000' },
    only: { type: 'string', default: '' },
  },
});
const [seed, minutes, runs] = [values.seed, values.minutes, values.runs].map(Number);

/** Of one input, in the thread's own time: others may be using the processor. What only waits is given longer. */
const HANG_SECONDS = 5;
const WAIT_SECONDS = 40;
/** Reading all of the material takes a while. */
const OPEN_SECONDS = 120;
const HEAP_MIB = 512;
const PROCESS_BYTES = 2 * 2 ** 30;
const SLICE_MILLISECONDS = 1000;
/** Whole archives take a hundred times as long as others. */
const WHOLE = 50;
/** What is spent on making one input smaller. */
const SHRINK_CHECKS = 500;
const SHRINK_SECONDS = 30;
/** A target that breaks again and again has told enough. */
const MOST_FAILURES = 10;

const folder = fileURLToPath(new URL('.', import.meta.url));
const built = fileURLToPath(new URL('../../out/fuzz/', import.meta.url));

const say = (line) => process.stdout.write(`${line}\n`);

/** A module keeps the place that it has in the source, from where it finds its files. */
const inPlace = {
  name: 'in place',
  setup({ onLoad }) {
    onLoad({ filter: /\/(?:src|test)\/.*\.ts$/ }, ({ path: file }) => ({
      contents: readFileSync(file, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)),
      loader: 'ts',
    }));
  },
};

const bundle = () =>
  build({
    entryPoints: [`${folder}worker.ts`, `${folder}targets.ts`],
    outdir: built,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    plugins: [forEsbuild, inPlace],
  });

/** As worker.ts has them. */
const INDEX = 0;
const BEAT = 1;
const IS_RUNNING = 2;
const shared = new Uint32Array(new SharedArrayBuffer(12));
let worker;
/** Takes the answer to the order at hand. */
let answered = () => {};

function start() {
  const started = new Worker(`${built}worker.mjs`, {
    workerData: shared.buffer,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const answer = (told) => {
    if (worker === started) answered(told);
  };
  started.on('message', answer);
  started.on('error', (error) => {
    const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    answer({ lost: isMemory ? `takes more than ${HEAP_MIB} MiB` : String(error.stack ?? error) });
  });
  started.on('exit', () => answer({ lost: 'waits for what never comes' }));
  shared.fill(0);
  worker = started;
}

async function stop() {
  const gone = worker;
  worker = undefined;
  await gone?.terminate();
}

/** Sends an order. Returns the answer, or why there is none: then the thread is gone. */
async function ask(order) {
  if (!worker) start();
  let timer;
  const answer = await new Promise((resolve) => {
    answered = resolve;
    const spent = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
    let [beat, since, before] = [shared[BEAT], performance.now(), spent()];
    timer = setInterval(() => {
      if (shared[BEAT] !== beat) [beat, since, before] = [shared[BEAT], performance.now(), spent()];
      const seconds = (performance.now() - since) / 1000;
      const isHanging = seconds > WAIT_SECONDS || (seconds > HANG_SECONDS && spent() - before > HANG_SECONDS);
      if (shared[IS_RUNNING] ? isHanging : seconds > OPEN_SECONDS) {
        resolve({ lost: `takes more than ${HANG_SECONDS} s` });
      } else if (process.memoryUsage.rss() > PROCESS_BYTES) {
        resolve({ lost: `the process takes more than ${PROCESS_BYTES / 2 ** 30} GiB` });
      }
    }, 100);
    worker.postMessage(order);
  });
  clearInterval(timer);
  if (answer.lost !== undefined) await stop();
  return answer;
}

/** What is wrong, without what differs from one input to the next. */
const kindOf = (fault) => fault.replace(/".*?"|\d+/g, '').slice(0, 60);

async function faultOf(target, input) {
  const answer = await ask({ check: target, input });
  return answer.lost ?? answer.faults[0];
}

/** Takes away what is not needed to break it in the same way. */
async function smaller(target, input, fault) {
  const end = performance.now() + SHRINK_SECONDS * 1000;
  let checks = 0;
  let best = input;
  const breaks = async (candidate) => {
    checks++;
    const found = await faultOf(target, candidate);
    if (found === undefined || kindOf(found) !== kindOf(fault)) return false;
    best = candidate;
    return true;
  };
  const isOver = () => checks >= SHRINK_CHECKS || performance.now() > end;
  try {
    while (!isOver() && (await breaks(gunzipSync(best))));
  } catch {
    // It is not packed, or damaged.
  }
  // Powers of two, largest first: they cut archives between their blocks.
  for (let size = 2 ** Math.floor(Math.log2(best.length || 1)); size >= 1 && !isOver(); size /= 2) {
    for (let at = 0; at < best.length && !isOver(); ) {
      if (!(await breaks(Buffer.concat([best.subarray(0, at), best.subarray(at + size)])))) at += size;
    }
  }
  return best;
}

function keep(target, input, broke) {
  const text = input.toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is readable is kept readable.
  const isText = input.length < 4096 && Buffer.from(text).equals(input) && !/[\u0000-\u0008\ufffd]/.test(text);
  const content = isText ? { text } : { gzip: gzipSync(input, { level: 9 }).toString('base64') };
  const sum = createHash('sha256').update(input).digest('hex').slice(0, 8);
  const file = `${folder}kept/${target}-${sum}.json`;
  mkdirSync(`${folder}kept`, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ target, broke: broke.slice(0, 200), ...content }, undefined, 2)}\n`);
  return file;
}

await bundle();
const { TARGETS } = await import(`${built}targets.mjs`);
const states = Object.entries(TARGETS)
  .filter(([name]) => values.only.split(',').some((beginning) => name.startsWith(beginning)))
  .map(([name, { isWhole }]) => ({
    name,
    isWhole,
    runs: isWhole ? Math.ceil(runs / WHOLE) : runs,
    next: 0,
    seconds: 0,
    failures: new Map(),
  }));
say(`seed ${seed}, ${states.length} targets, up to ${runs} inputs each, ${minutes} minutes`);

const end = performance.now() + minutes * 60_000;
for (let isOver = false; !isOver; ) {
  isOver = true;
  for (const state of states) {
    const { name } = state;
    if (state.next >= state.runs || state.failures.size >= MOST_FAILURES || performance.now() > end) continue;
    isOver = false;
    const start = performance.now();
    const order = { run: name, seed, from: state.next, to: state.runs, milliseconds: SLICE_MILLISECONDS };
    const answer = await ask(order);
    state.seconds += (performance.now() - start) / 1000;
    const index = answer.lost === undefined ? answer.next - 1 : shared[INDEX];
    state.next = index + 1;
    const fault = answer.lost ?? answer.faults?.[0];
    if (fault === undefined) continue;
    const before = state.failures.get(kindOf(fault)) ?? 0;
    state.failures.set(kindOf(fault), before + 1);
    if (before > 0) continue;
    const made = await ask({ make: name, seed, index });
    const input = made.input && (await smaller(name, Buffer.from(made.input), fault));
    say(`${name}, input ${index}: ${fault}\n  ${input ? keep(name, input, fault) : 'cannot be made again'}`);
  }
}
await stop();

const sum = (all) => all.reduce((total, state) => total + state.next, 0);
for (const { name, next, seconds, failures } of states) {
  const broken = [...failures].map(([kind, times]) => `\n    ${times} × ${kind}`).join('');
  say(
    `${name.padEnd(32)} ${String(next).padStart(8)} inputs ${(next / (seconds || 1)).toFixed(0).padStart(7)} / s${broken}`,
  );
}
const parts = states.filter(({ isWhole }) => !isWhole);
const wholes = states.filter(({ isWhole }) => isWhole);
say(`seed ${seed}: ${sum(parts)} inputs of parts, ${sum(wholes)} whole archives`);
process.exitCode = states.some(({ failures }) => failures.size > 0) ? 1 : 0;
