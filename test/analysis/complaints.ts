/** What is wrong with an analysis whatever was captured: numbers that are none, sentences with a hole, parts that contradict each other. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import textTemplates from 'templates:plain';
import { RULE_IDS } from '../../src/analysis/findings/index.ts';
import { sizeFor } from '../../src/analysis/recommend.ts';
import { type Analysis, analysisSchema, type Finding } from '../../src/analysis/schema.ts';
import { FULL, NEAR } from '../../src/analysis/usage.ts';
import { statementOf } from '../../src/report/findings.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderTemplate } from '../../src/report/templates.ts';
import { renderText } from '../../src/report/text.ts';
import { valuesOf } from '../../src/report/view/quantity.ts';
import { recommendationView } from '../../src/report/view/recommendation.ts';
import { verdictView } from '../../src/report/view/verdict.ts';

/** Largest number that a sysctl of type int takes; so the limit since 6.15, and what proc_dointvec() took before. */
const INT_MAX = 2 ** 31 - 1;

/**
 * Everything that is wrong with it.
 *
 * @param files  paths of the capture
 */
export function complaints(analysis: Analysis, files: ReadonlySet<string>): string[] {
  return [
    ...shape(analysis),
    ...analysis.findings.flatMap((finding) => findingComplaints(finding, files)),
    ...evidenceComplaints('verdict', analysis.verdict.proof, files),
    ...verdictComplaints(analysis),
    ...recommendationComplaints(analysis),
    ...reportComplaints(analysis),
  ];
}

/** What is wrong with its form: what the schema does not have, and what JSON cannot hold. */
export function shape(analysis: Analysis): string[] {
  const parsed = analysisSchema.safeParse(analysis);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `schema: ${path.join('.')}: ${message}`);
  return [
    ...(isDeepStrictEqual(parsed.data, analysis) ? [] : ['schema: has a field that the schema does not know']),
    ...(isDeepStrictEqual(JSON.parse(JSON.stringify(analysis)), analysis) ? [] : ['schema: changes when written']),
    ...(numbersIn(analysis).every(Number.isFinite) ? [] : ['a number is none']),
  ];
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

const HOLE = '⟦hole⟧';

/** Names that the templates of a rule ask for, each standing for a value that is not there: false where asked for, a mark where it is named. */
const holes = new Map(
  RULE_IDS.map((id) => {
    const source = readFileSync(new URL(`../../templates/findings/${id}.hbs`, import.meta.url), 'utf8');
    const names = [...source.matchAll(/\{\{(?:#(?:if|unless) )?(\w+)\}\}/g)].map(([, name]) => name);
    return [id, Object.fromEntries(names.map((name) => [name, Object.assign([], { toString: () => HOLE })]))];
  }),
);

function withHoles({ id, says, values }: Finding): string {
  return renderTemplate(textTemplates, `findings/${id}/${says}`, { ...holes.get(id), ...valuesOf(values) });
}

function findingComplaints(finding: Finding, files: ReadonlySet<string>): string[] {
  const { id, says, severity, missing, coveredBy, evidence, commands } = finding;
  const all: string[] = [];
  if (!RULE_IDS.includes(id)) all.push('is no rule');
  const statement = statementOf(finding);
  if (severity === 'unknown') {
    if (missing.length === 0 && coveredBy === undefined) all.push('is not assessed, without a reason');
    if (coveredBy !== undefined && !RULE_IDS.includes(coveredBy)) all.push('is covered by no rule');
    if (missing.some((each) => !/^(?:[a-z]+ |nf_|\/proc\/)/.test(each) || each.endsWith('.'))) {
      all.push(`lacks what is no noun phrase: ${missing.join(' | ')}`);
    }
  } else if (textTemplates[`findings/${id}/${says}`] === undefined) all.push(`says ${says}, which is no text`);
  else
    all.push(
      ...proseComplaints(statement ?? ''),
      ...(withHoles(finding).includes(HOLE) ? [`hole: ${withHoles(finding)}`] : []),
    );
  all.push(...evidenceComplaints(says, evidence, files));
  for (const command of [...(commands?.apply ?? []), ...(commands?.undo ?? [])])
    all.push(...commandComplaints(command));
  return all.map((each) => `${id} ${says}: ${each}`);
}

function evidenceComplaints(of: string, evidence: Finding['evidence'], files: ReadonlySet<string>): string[] {
  return evidence
    .filter(({ file }) => !files.has(file) && ![...files].some((path) => path.startsWith(`${file}/`)))
    .map(({ what, file }) => `${of}: evidence ${what} is of ${file || 'no file'}, which was not captured`);
}

function commandComplaints(command: string): string[] {
  const odd = /undefined|NaN|Infinity|\[object|[\d.]e[+-]|=\s*$|= *-?\d+\.\d/.test(command);
  return odd ? [`command ${command}`] : [];
}

/** What can be said of any sentence. Narrow spaces are those between the digits of a number, and before its unit. */
function proseComplaints(prose: string): string[] {
  const text = prose.replace(/[\u00a0\u202f]/g, ' ').trim();
  const wrong: [string, RegExp][] = [
    // Some begin with a name: of a setting, a file or a namespace.
    ['begins oddly', /^(?![A-Z0-9“/]|nf_conntrack|ip_conntrack|netns |[\w, -]+ \(netns )/],
    ['has no full stop', /[^.]$/],
    ['double space', / {2}/],
    ['space before a mark', / [,.;:)]/],
    ['mark after mark', /[,;:(]\s*[,;:.)]|\.\.(?!\.)|\( /],
    ['no value', /undefined|null|NaN|Infinity|\[object|\{\{|\}\}|\btrue\b|\bfalse\b/],
    [
      'one of many',
      /(?<![\d.,:]|\d )1 (?:more |other |new )?(?:entries|packets|rows|buckets|objects|links|lines|timeouts|settings|namespaces|caches|processes|CPUs|slabs|connections|sources|destinations|services|ports|addresses|messages|things|readings|expectations)\b/,
    ],
    ['one is many', /(?<![\d.,:]|\d )1 (?!s\b)[a-z]+(?: that)? (?:were|are|have|hold)\b/],
    [
      'many of one',
      /(?<![\d.])(?!1\b)\d+ (?:entry|packet|row|line|bucket|object|link|cache|namespace|CPU|slab|reading)\b(?! (?:cache|objects|lines|format))/,
    ],
    [
      'nothing counted',
      /\b(?:of at most|holds|held|the kernel dropped|evicted) (?:entries|packets|rows|buckets|objects|lines)\b/,
    ],
    ['the last of one', /(?<![\d.]|\d )1 [^,.]{0,20}line, the last/],
    ['negative', /−\d(?! now\b)/],
    ['sentence without a capital', /\. [a-z](?!mark)/],
    ['a word twice', /\b(?!that|had)([a-z]+) \1\b/],
  ];
  return wrong.filter(([, pattern]) => pattern.test(text)).map(([what]) => `${what}: ${text}`);
}

function verdictComplaints(analysis: Analysis): string[] {
  const { verdict, usage, drops, readings, findings } = analysis;
  const all: string[] = [];
  const view = verdictView(analysis);
  const say = ({ template, values }: { template: { text: string }; values: object }) =>
    renderTemplate(textTemplates, template.text, values);
  all.push(...proseComplaints(say(view)));
  all.push(...proseComplaints(say({ template: view.memoryTemplate, values: view.values })));
  // That it is not the memory is said in any case.
  if (verdict.runnerUp && verdict.runnerUp.failure !== 'memory') {
    if (textTemplates[`verdicts/not/${verdict.runnerUp.says}`] === undefined) all.push('the runner-up has no text');
    else if (view.runnerUp) all.push(...proseComplaints(say(view.runnerUp)));
  }
  // What holds half of the table, or a table that is nearly full, is no argument that this is not the cause.
  const share = (name: string) => Number(verdict.runnerUp?.values[name] ?? 0);
  for (const name of ['unrepliedShare', 'sourceShare', 'idleShare', 'restShare']) {
    if (share(name) >= 0.5) all.push(`not ${verdict.runnerUp?.says} by ${name} ${share(name)}`);
  }
  if (share('peakShare') >= NEAR) all.push(`not the limit at ${share('peakShare')}`);
  const max = usage.max?.value;
  if (verdict.severity === 'ok') {
    if (max && readings.some(({ count = 0 }) => count >= FULL * max)) all.push('in order with a table that is full');
    if ((drops.duringCapture?.drop ?? 0) > 0) all.push('in order while packets are dropped');
    const critical = findings.find(({ severity }) => severity === 'critical');
    if (critical) all.push(`in order, but ${critical.id} is critical: ${statementOf(critical)}`);
  }
  if (verdict.kind === 'healthy' && (!usage.entries || !usage.max)) all.push('healthy, but for all that is known');
  if (verdict.severity !== 'unknown' && verdict.kind === 'cannot-tell') all.push('cannot tell, and does');
  const full = findings.find(({ id }) => id === 'table-full');
  const near = findings.find(({ id }) => id === 'near-limit');
  if (full?.severity === 'critical' && verdict.severity !== 'critical') all.push('full, but not critical');
  if (full?.says === 'found' && near?.says === 'ok') all.push('full, with room');
  return all.map((each) => `verdict ${verdict.kind}: ${each}`);
}

function recommendationComplaints(analysis: Analysis): string[] {
  const { recommendation, usage, hash } = analysis;
  const { action, max, buckets, demand, ladder, commands, constraint, headroom } = recommendation;
  const all: string[] = [];
  const view = recommendationView(analysis);
  const say = (template: string) => renderTemplate(textTemplates, template, view.values);
  all.push(...proseComplaints(say(view.template.text)));
  for (const prose of ['prose/sized-for', 'prose/cost']) {
    const said = say(prose).trim();
    if (said !== '') all.push(...proseComplaints(said));
  }
  const [peak, today] = [usage.peak?.value ?? 0, usage.max?.value ?? 0];
  const changes = action === 'raise' || action === 'lower' || action === 'set-a-limit';
  if (changes && (max === undefined || max < peak)) all.push(`${max} is less than the ${peak} that were counted`);
  if (changes && (max ?? 0) > INT_MAX) all.push(`${max} is more than a sysctl takes`);
  if (action === 'raise' && !(max !== undefined && max > today)) all.push(`raises ${today} to ${max}`);
  if (action === 'lower' && !(max !== undefined && max < today)) all.push(`lowers ${today} to ${max}`);
  if (action === 'fix-cause' && max !== undefined && max > today) all.push('fixes the cause, and raises the limit');
  if (action === 'fix-cause' && analysis.verdict.failure === 'nat-or-clash' && (usage.peakShare ?? 0) >= NEAR)
    all.push('leaves a table that is nearly full as it is');
  if (/raise|set-a-limit/.test(action) && (buckets ?? 0) < (hash.buckets?.value ?? 0))
    all.push('raises, with fewer buckets');
  if (action === 'raise-buckets' && !((buckets ?? 0) > (hash.buckets?.value ?? 0))) {
    all.push(`raises the buckets from ${hash.buckets?.value} to ${buckets}`);
  }
  if (/raise|set-a-limit|lower/.test(action) && commands.now.length === 0) {
    if (action !== 'raise-buckets') all.push('changes something without a command');
  }
  for (const command of [...commands.now, ...commands.persist.flatMap(({ lines }) => lines), ...commands.rollback]) {
    all.push(...commandComplaints(command));
  }
  for (const command of action === 'fix-cause' ? [] : commands.now) {
    if (!/(?:=|echo )[1-9]\d*\b/.test(command)) all.push(`command ${command}`);
  }
  if (demand && !(demand.low <= demand.entries && demand.entries <= (demand.high ?? demand.entries))) {
    all.push(`demand ${demand.low}, ${demand.entries}, ${demand.high}`);
  }
  if (demand && max !== undefined) {
    const { entries, high = entries } = demand;
    if (constraint === 'present-limit' && high > max) all.push(`has room for ${high} in ${max}`);
    // One number has no ends.
    if (/higher end/.test(say('prose/sized-for')) && !/\d to \d/.test(view.values.demand ?? ''))
      all.push('an end of no range');
    // A limit that stays was sized for nothing.
    if (constraint === 'present-limit' && /sized|times/i.test(say('prose/sized-for'))) all.push('sizes what stays');
    const isMet = max >= Math.min(INT_MAX, sizeFor(demand, headroom));
    if (constraint === 'demand' && !isMet) all.push(`${max} is no room for ${entries} to ${high}`);
    if (constraint === 'kernel-default' && !isMet) all.push(`${max} is the default, and not enough`);
  }
  const steps = [...ladder].sort((a, b) => a.max - b.max);
  for (const [at, step] of steps.entries()) {
    const before = steps[at - 1];
    // With fewer buckets, as they are today, it may.
    if (before && (step.buckets ?? 0) >= (before.buckets ?? 0) && (before.totalBytes ?? 0) > (step.totalBytes ?? 0)) {
      all.push(`a larger table costs less: ${JSON.stringify([before, step])}`);
    }
  }
  return all.map((each) => `recommendation ${action}: ${each}`);
}

function reportComplaints(analysis: Analysis): string[] {
  const pages = {
    text: renderText(analysis),
    Markdown: renderMarkdown(analysis),
    // The style sheet holds fonts, whose letters can spell anything.
    HTML: renderHtml(analysis).replace(/<style>[\s\S]*?<\/style>/, ''),
  };
  return Object.entries(pages).flatMap(([format, page]) => {
    const hole = /.{0,60}(?:undefined|NaN|Infinity|\[object|⟦).{0,60}/.exec(page)?.[0];
    return hole === undefined ? [] : [`${format}: ${hole}`];
  });
}
