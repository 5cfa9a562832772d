/** A process of the pool: analyses a source, or makes the page of a host, and hands back little more than that it did. */
import workerpool from 'workerpool';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { writeWhole } from '../commands/files.ts';
import { reasonOf } from '../commands/inputs.ts';
import { type Paper, renderHtml } from '../report/html.ts';
import { type CachePlace, keep, keptAnalysis } from './cache.ts';
import { type Snapshot, snapshotOf } from './snapshot.ts';
import { analysisFrom, nameOf, type Source } from './sources.ts';

export interface Task {
  source: Source;
  digest: string;
  place: CachePlace;
  aims: Aims;
}

export interface PageTask extends Task {
  file: string;
  paper: Paper;
}

/** What went wrong, in words. */
export interface Failure {
  error: string;
}

async function analysed({ source, digest, place, aims }: Task): Promise<{ analysis: Analysis; snapshot: Snapshot }> {
  const analysis = await analysisFrom(source, { aims });
  const snapshot = snapshotOf(analysis);
  keep(place, digest, analysis, snapshot);
  return { analysis, snapshot };
}

async function snapshot(task: Task): Promise<{ snapshot: Snapshot } | Failure> {
  try {
    return { snapshot: (await analysed(task)).snapshot };
  } catch (error) {
    return { error: reasonOf(nameOf(task.source), error) };
  }
}

async function page(task: PageTask): Promise<Failure | undefined> {
  try {
    const analysis = keptAnalysis(task.place, task.digest) ?? (await analysed(task)).analysis;
    writeWhole(task.file, renderHtml(analysis, { paper: task.paper }), task.place.parts);
    return undefined;
  } catch (error) {
    return { error: `${task.file} was not written: ${(error as Error).message}` };
  }
}

workerpool.worker({ snapshot, page });
