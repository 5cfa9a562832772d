/** What can be started, all of it in one file once it is built: read and compiled at once, and evaluated as far as it is needed. */
export const parts = {
  cli: () => import('./cli.ts'),
  fleetWorker: () => import('./fleet/worker.ts'),
  /** At once: what it exports is there when its importer goes on. */
  library: (): typeof import('./index.ts') => require('./index.ts'),
};
