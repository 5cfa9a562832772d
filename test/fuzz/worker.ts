/** The thread that runs inputs for fuzz.mjs, which ends it where it hangs, and starts another. */
import { parentPort, workerData } from 'node:worker_threads';
import { faultsIn } from './faults.ts';
import { Random } from './random.ts';
import { TARGETS } from './targets.ts';

/** What the thread is asked: to run inputs, to hand one out, or to check one. */
type Order =
  | { run: string; seed: number; from: number; to: number; milliseconds: number }
  | { make: string; seed: number; index: number }
  | { check: string; input: Uint8Array };

/** Which input is at hand, how many have been so far, and whether one is: where the thread is lost, that is all that is left of it. */
const shared = new Uint32Array(workerData as SharedArrayBuffer);
const INDEX = 0;
const BEAT = 1;
const IS_RUNNING = 2;

const makers = new Map<string, (random: Random) => Buffer>();

async function makerOf(name: string): Promise<(random: Random) => Buffer> {
  const maker = makers.get(name) ?? (await TARGETS[name]?.open());
  if (maker === undefined) throw new Error(`there is no target ${name}`);
  makers.set(name, maker);
  return maker;
}

/** Runs an input under the eyes of fuzz.mjs. */
async function watched(name: string, index: number, input: () => Buffer): Promise<string[]> {
  Atomics.store(shared, INDEX, index);
  Atomics.add(shared, BEAT, 1);
  Atomics.store(shared, IS_RUNNING, 1);
  const faults = await faultsIn(name, input());
  Atomics.store(shared, IS_RUNNING, 0);
  return faults;
}

async function answer(order: Order): Promise<object> {
  if ('check' in order) return { faults: await watched(order.check, 0, () => Buffer.from(order.input)) };
  if ('make' in order) {
    const make = await makerOf(order.make);
    return { input: make(new Random(order.seed, order.make, order.index)) };
  }
  const { run: name, seed, from, to, milliseconds } = order;
  const make = await makerOf(name);
  const start = performance.now();
  let index = from;
  while (index < to && performance.now() - start < milliseconds) {
    const faults = await watched(name, index, () => make(new Random(seed, name, index)));
    index++;
    if (faults.length > 0) return { next: index, faults };
  }
  return { next: index };
}

parentPort?.on('message', async (order: Order) => {
  Atomics.add(shared, BEAT, 1);
  parentPort?.postMessage(await answer(order));
});
