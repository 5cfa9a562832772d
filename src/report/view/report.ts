/** The view model: everything that a page says, finished and formatted. Templates only place it. */
import type { Analysis } from '../../analysis/schema.ts';
import { bytes, bytesBoth, plural, utc } from '../format.ts';
import { agesView } from './ages.ts';
import { captureView, factsView, namespacesView, settingsView } from './capture.ts';
import { keyFigures, usageGauge } from './figures.ts';
import { lossesView } from './losses.ts';
import { recommendationView } from './recommendation.ts';
import { hashView, memoryView, slabView } from './slab.ts';
import { tableView } from './table.ts';
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

/** What the templates of a report are given. */
export function reportView(analysis: Analysis) {
  const { bundle, host, tool } = analysis;
  const hostname = host.hostname?.value ?? 'host name not captured';
  const capturedAt = host.capturedAt ? utc(host.capturedAt.value) : 'time not captured';
  return {
    title: 'Connection tracking health report',
    hostname,
    about: about(analysis) || 'nothing about the host was captured',
    capturedAt,
    bundle: {
      name: bundle.name,
      kind: bundle.layout === 'bundle' ? 'bundle' : 'plain tree',
      sha256: bundle.sha256,
      sha256Short: bundle.sha256 && `${bundle.sha256.slice(0, 8)}…${bundle.sha256.slice(-8)}`,
      bytes: bundle.bytes === undefined ? undefined : bytesBoth(bundle.bytes),
      collector: bundle.collectorVersion,
      commandLine: bundle.commandLine,
      user: bundle.userId === undefined ? undefined : bundle.userId === 0 ? '0 (root)' : String(bundle.userId),
    },
    tool: `${tool.name} ${tool.version}`,
    verdict: verdictView(analysis),
    figures: keyFigures(analysis),
    gauge: usageGauge(analysis),
    recommendation: recommendationView(analysis),
    slab: slabView(analysis),
    memory: memoryView(analysis),
    hash: hashView(analysis),
    table: tableView(analysis),
    ages: agesView(analysis),
    losses: lossesView(analysis),
    namespaces: namespacesView(analysis),
    settings: settingsView(analysis),
    capture: captureView(analysis),
    facts: factsView(analysis),
  };
}
