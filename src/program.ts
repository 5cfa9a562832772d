/** What can be started, all of it in one file once it is built: read and compiled at once, and evaluated as far as it is needed. */
import type { Unpacker } from './bundle/unpacker.ts';

export const parts = {
  /** @param unpacker  unpacks a file already, if any does */
  cli: async (unpacker?: Unpacker) => {
    if (unpacker) (await import('./bundle/gunzip.ts')).lend(unpacker);
    return await import('./cli.ts');
  },
  fleetWorker: () => import('./fleet/worker.ts'),
  /** At once: what it exports is there when its importer goes on. */
  library: (): typeof import('./index.ts') => require('./index.ts'),
};
