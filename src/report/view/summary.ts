/** What every report begins with, and a terminal shows: the host, the verdict, the key figures and the recommendation. */
import type { Analysis } from '../../analysis/schema.ts';
import { bytes, dateTime, plural } from '../format.ts';
import { isShown, type Presentation } from '../presentation.ts';
import { keyFigures } from './figures.ts';
import { findingsView } from './findings.ts';
import { partView } from './part.ts';
import { recommendationView } from './recommendation.ts';
import { verdictView } from './verdict.ts';

function about(analysis: Analysis): string {
  const { host } = analysis;
  return [
    host.osName?.value,
    host.kernelRelease && `Linux ${host.kernelRelease.value}`,
    host.machine?.value,
    host.cpus && plural(host.cpus.value, 'CPU').replace(' ', '\u00a0'),
    host.memTotalBytes && `${bytes(host.memTotalBytes.value)}\u00a0RAM`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** What the templates of a summary are given. */
export function summaryView(analysis: Analysis, presentation: Pick<Presentation, 'sections'> = {}) {
  const { bundle, host } = analysis;
  return {
    hostname: host.hostname?.value ?? 'host name not captured',
    about: about(analysis) || 'nothing about the host was captured',
    capturedAt: host.capturedAt ? dateTime(host.capturedAt.value) : 'time not captured',
    pseudonyms: bundle.anonymized,
    verdict: verdictView(analysis),
    figures: keyFigures(analysis),
    part: partView(analysis),
    recommendation: recommendationView(analysis),
    findings: findingsView(analysis, {
      hasRecommendation: isShown(presentation, 'recommendation'),
      hasComparisons: (analysis.comparisons ?? []).length > 0 && isShown(presentation, 'appendix'),
    }),
  };
}
