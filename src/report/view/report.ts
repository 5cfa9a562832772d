/** The view model: everything that a page says, finished and formatted. Templates only place it. */

import type { Analysis } from '../../analysis/schema.ts';
import { layoutTitle } from '../../bundle/layouts/index.ts';
import { bytesBoth } from '../format.ts';
import { isShown, type Presentation } from '../presentation.ts';
import { agesView } from './ages.ts';
import { captureView, namespaceRowsView, namespacesView, settingsView } from './capture.ts';
import { comparisonsView } from './comparisons.ts';
import { factsView } from './facts.ts';
import { usageGauge } from './gauge.ts';
import { glossaryView } from './glossary.ts';
import { lossesView } from './losses.ts';
import { hashView, memoryView, slabView } from './slab.ts';
import { type Place, shortSourcesOf, sourceOf } from './sources.ts';
import { summaryView } from './summary.ts';
import { tableView } from './table.ts';

/** A source in few words, and the row of the appendix that has it in full. */
interface Reference {
  text: string;
  fact: string | undefined;
}

/** Key figures and proof with links to the facts behind them, and from a figure to the finding that rests on the same. */
function referring(
  analysis: Analysis,
  facts: ReturnType<typeof factsView>,
  presentation: Pick<Presentation, 'sections'>,
) {
  const summary = summaryView(analysis, presentation);
  // Links lead to what the report has.
  const shown = isShown(presentation, 'appendix') ? facts : [];
  const ids = new Map(shown.toReversed().map(({ source, id }) => [source, id]));
  const reference = (place: Place): Reference => ({ text: shortSourcesOf(place), fact: ids.get(sourceOf(place)) });
  const findings = isShown(presentation, 'findings') ? [...summary.findings.found, ...summary.findings.ok] : [];
  return {
    ...summary,
    figures: summary.figures.map((figure) => ({
      ...figure,
      references: figure.places.map(reference),
      finding: findings.find(({ evidence }) =>
        evidence.some(({ source }) => figure.places.some((place) => sourceOf(place) === source)),
      )?.id,
    })),
    verdict: {
      ...summary.verdict,
      proof: summary.verdict.proof.map(({ place, ...proof }) => ({ ...proof, reference: reference(place) })),
    },
  };
}

/** What the templates of a report are given. */
export function reportView(analysis: Analysis, presentation: Pick<Presentation, 'sections'> = {}) {
  const { bundle, tool } = analysis;
  const facts = factsView(analysis);
  return {
    title: 'Connection tracking health report',
    ...referring(analysis, facts, presentation),
    bundle: {
      name: bundle.name,
      kind: bundle.layout === 'bundle' ? 'bundle' : layoutTitle(bundle.layout),
      isForeign: bundle.layout !== 'bundle',
      sha256: bundle.sha256,
      sha256Short: bundle.sha256 && `${bundle.sha256.slice(0, 8)}…${bundle.sha256.slice(-8)}`,
      bytes: bundle.bytes === undefined ? undefined : bytesBoth(bundle.bytes),
      collector: bundle.collectorVersion,
      commandLine: bundle.commandLine,
      user: bundle.userId === undefined ? undefined : bundle.userId === 0 ? '0 (root)' : String(bundle.userId),
    },
    tool: `${tool.name} ${tool.version}`,
    gauge: usageGauge(analysis),
    slab: slabView(analysis),
    memory: memoryView(analysis),
    hash: hashView(analysis),
    table: tableView(analysis),
    ages: agesView(analysis),
    losses: lossesView(analysis),
    namespaces: namespacesView(analysis),
    namespaceRows: namespaceRowsView(analysis),
    settings: settingsView(analysis),
    capture: captureView(analysis),
    comparisons: comparisonsView(analysis),
    facts,
    glossary: glossaryView(),
  };
}
