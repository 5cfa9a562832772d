import { start } from './start.ts';

start('fleetWorker', 'fleet-worker');
