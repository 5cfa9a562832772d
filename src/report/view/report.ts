/** The view model: everything that a page says, finished and formatted. Templates only place it. */

import type { Analysis } from '../../analysis/schema.ts';
import { layoutTitle } from '../../bundle/layouts/index.ts';
import { bytesBoth } from '../format.ts';
import type { Presentation } from '../presentation.ts';
import { agesView } from './ages.ts';
import { captureView, factsView, namespaceRowsView, namespacesView, settingsView } from './capture.ts';
import { comparisonsView } from './comparisons.ts';
import { usageGauge } from './gauge.ts';
import { lossesView } from './losses.ts';
import { hashView, memoryView, slabView } from './slab.ts';
import { summaryView } from './summary.ts';
import { tableView } from './table.ts';

/** What the templates of a report are given. */
export function reportView(analysis: Analysis, presentation: Pick<Presentation, 'sections'> = {}) {
  const { bundle, tool } = analysis;
  return {
    title: 'Connection tracking health report',
    ...summaryView(analysis, presentation),
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
    facts: factsView(analysis),
  };
}
