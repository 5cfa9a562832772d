/** A process of the pool: analyses a source, or makes the page of a host, and hands back little more than that it did. */
import workerpool from 'workerpool';
import { reasonOf } from '../analyses.ts';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { writeWhole } from '../files.ts';
import { type Presentation, renderHtml } from '../report/html.ts';
import type { Overrides } from '../report/presentation.ts';
import { type CachePlace, type Capture, keep, keepRefusal, keptAnalyses, type Refusal } from './cache.ts';
import { snapshotOf } from './snapshot.ts';
import { analysesFrom, nameOf, type Source } from './sources.ts';

export interface Task {
  source: Source;
  digest: string;
  place: CachePlace;
  aims: Aims;
  limits?: Limits | undefined;
}

export interface PageTask extends Task {
  /** Which of the source's analyses. */
  at: number;
  file: string;
  /** All of it but templates of a user, which are read where they are used. */
  presentation: Omit<Presentation, 'templates'>;
  templates: string | undefined;
}

/** What went wrong, in words. */
export interface Failure {
  error: string;
}

async function analysed({
  source,
  digest,
  place,
  aims,
  limits,
}: Task): Promise<{ analyses: Analysis[]; captures: Capture[] }> {
  const analyses: Analysis[] = [];
  const captures = (await analysesFrom(source, { aims, limits })).map((each): Capture => {
    if ('error' in each) return { inner: each.inner, error: each.error };
    const { inner, analysis } = each;
    analyses.push(analysis);
    return { ...(inner !== undefined && { inner }), snapshot: snapshotOf(analysis), at: analyses.length - 1 };
  });
  keep(place, digest, analyses, captures);
  return { analyses, captures };
}

async function captures(task: Task): Promise<{ captures: Capture[] } | Refusal> {
  const name = nameOf(task.source);
  try {
    return { captures: (await analysed(task)).captures };
  } catch (error) {
    const refusal = { name, error: reasonOf(name, error) };
    // What else went wrong, as with a disk or with memory, need not go wrong again.
    if (error instanceof BundleError && error.cause === undefined) keepRefusal(task.place, task.digest, refusal);
    return refusal;
  }
}

let overrides: Promise<Overrides> | undefined;

/** The user's templates, read once: all pages of a fleet have the same. */
function overridesOf(folder: string | undefined): Promise<Overrides> | undefined {
  if (folder === undefined) return undefined;
  overrides ??= import('../report/overrides.ts').then((it) => it.readOverrides(folder).overrides);
  return overrides;
}

async function page(task: PageTask): Promise<Failure | undefined> {
  try {
    const analyses = keptAnalyses(task.place, task.digest) ?? (await analysed(task)).analyses;
    const analysis = analyses[task.at];
    if (analysis === undefined) throw new Error('what it is made of was changed meanwhile');
    const templates = await overridesOf(task.templates);
    writeWhole(task.file, renderHtml(analysis, { ...task.presentation, templates }), task.place.parts);
    return undefined;
  } catch (error) {
    return { error: `${task.file} was not written: ${(error as Error).message}` };
  }
}

workerpool.worker({ captures, page });
