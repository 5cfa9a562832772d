/** What src/start starts, all of it in one file once it is built: read and compiled at once, and evaluated as far as it is needed. */
export const parts = {
  cli: () => import('./cli.ts'),
  fleetWorker: () => import('./fleet/worker.ts'),
};
