/** Processes that analyse bundles side by side. One that a bundle brings down costs that bundle, and is replaced. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import workerpool, { type Pool as WorkerPool } from 'workerpool';
import { packageRoot, version } from '../package.ts';
import type { Capture, Refusal } from './cache.ts';
import { nameOf } from './sources.ts';
import type { Failure, PageTask, Task } from './worker.ts';

const SCRIPT = path.join(packageRoot, 'dist', 'fleet-worker.cjs');

/** What results depend on: the release, and, between two releases, the program itself; it has its digest in its name. */
export function programKey(): string[] {
  return [version, createHash('sha256').update(readFileSync(SCRIPT)).digest('hex')];
}

/** Heap of a process: many times what the largest bundle takes, so that only a hostile one meets it. */
const HEAP_MB = 1024;

export class Pool {
  readonly #pool: WorkerPool;

  constructor(options: { workers: number; heapMb?: number }) {
    this.#pool = workerpool.pool(SCRIPT, {
      workerType: 'process',
      // One starts while the sources are looked up.
      minWorkers: 1,
      maxWorkers: options.workers,
      forkOpts: {
        // Where there is a worker for each processor, threads that help with collecting garbage take it from the others.
        execArgv: [`--max-old-space-size=${options.heapMb ?? HEAP_MB}`, '--single-threaded-gc'],
      },
      // Last words of a process that ended are not for the user.
      emitStdStreams: true,
    });
  }

  /** Analyses a source, and keeps the analysis. */
  async captures(task: Task): Promise<{ captures: Capture[] } | Refusal> {
    const name = nameOf(task.source);
    try {
      return await this.#pool.exec('captures', [task]);
    } catch (error) {
      return { name, error: `${name} cannot be analysed: ${endOf(error)}` };
    }
  }

  /** Makes the page of a host. */
  async page(task: PageTask): Promise<Failure | undefined> {
    try {
      return await this.#pool.exec('page', [task]);
    } catch (error) {
      return { error: `${task.file} was not written: ${endOf(error)}` };
    }
  }

  async close(): Promise<void> {
    await this.#pool.terminate(true);
  }
}

function endOf(error: unknown): string {
  const { message } = error as Error;
  const [, code = 'null'] = /exitCode: `(\w+)`/.exec(message) ?? [];
  const [, signal = 'null'] = /signalCode: `(\w+)`/.exec(message) ?? [];
  const how = signal !== 'null' ? signal : code !== 'null' ? `exit code ${code}` : message.split('\n')[0];
  return `the process that worked on it ended with ${how}`;
}
