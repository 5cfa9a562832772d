/** What can be started, all of it in one file once it is built: read and compiled at once, and evaluated as far as it is needed. */
import type { Worker } from 'node:worker_threads';

export const parts = {
  /** @param unpacker  a thread that was started for it already, if any */
  cli: async (unpacker?: Worker) => {
    if (unpacker) (await import('./bundle/gunzip.ts')).lendThread(unpacker);
    return await import('./cli.ts');
  },
  fleetWorker: () => import('./fleet/worker.ts'),
  /** At once: what it exports is there when its importer goes on. */
  library: (): typeof import('./index.ts') => require('./index.ts'),
};
