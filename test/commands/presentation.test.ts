import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFolder, SAMPLES } from '../cli/program.ts';

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><rect width="10" height="10" fill="teal"/></svg>`;

let place: ReturnType<typeof openFolder>;
let folder: string;

/** A folder with a bundle, a logo and a template in it. */
beforeEach(() => {
  place = openFolder('presentation');
  ({ folder } = place);
  copyFileSync(path.join(SAMPLES, 'healthy.tar.gz'), at('gw 1.tar.gz'));
  copyFileSync(path.join(SAMPLES, 'linux-2.4.tar.gz'), at('old.tar.gz'));
  writeFileSync(at("logo of Jane's.svg"), LOGO);
  mkdirSync(at('acme', 'prose'), { recursive: true });
  writeFileSync(at('acme', 'prose', 'findings-how.hbs'), 'Look at these first.');
});
afterEach(() => place.remove());

const at = (...names: string[]) => path.join(folder, ...names);
const read = (...names: string[]) => readFileSync(at(...names));
const text = (...names: string[]) => read(...names).toString('utf8');

const sh = (command: string, env: Record<string, string> = {}, cwd = folder) => place.shell(command, { env, cwd });

const ALL = [
  ...['--title', "'Jane'\\''s -- gateway'", '--case=-4711', '--author', "'A & B'", '--logo', '"logo of Jane\'s.svg"'],
  ...['--timezone', 'Asia/Kolkata', '--locale', 'fr-CH', '--sections', 'findings,table,recommendation'],
  ...['--templates', './acme/', '--paper', 'letter', '--headroom', '3', '--memory-budget', '7', '--limit', 'file=8MiB'],
  ...['--what-if', 'udp_timeout=20'],
].join(' ');

/** The command line that a report says it was made by. */
function pasted(html: string): string {
  const [, command = ''] = /class="made">[\s\S]*?<pre>([\s\S]*?)<\/pre>/.exec(html) ?? [];
  return command
    .replace(/&#x([0-9A-F]+);/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

describe('a report with all options', () => {
  test('is the same bytes wherever, and by the command that it names', () => {
    const formats = 'html,pdf,md,text,json';
    expect(sh(`conntrack-report report 'gw 1.tar.gz' ${ALL} --format ${formats} --out a`).status).toBe(0);
    const elsewhere = { TZ: 'Asia/Tokyo', LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8' };
    expect(
      sh(`conntrack-report report '${at('gw 1.tar.gz')}' ${ALL} --format ${formats} --out b`, elsewhere).status,
    ).toBe(0);
    expect(readdirSync(at('a'))).toHaveLength(5);
    for (const name of readdirSync(at('a'))) expect(read('a', name).equals(read('b', name)), name).toBe(true);

    const command = pasted(text('a', 'gw 1.html'));
    expect(command.replaceAll(' \\\n  ', ' ')).toBe(
      "conntrack-report report 'gw 1.tar.gz' --title 'Jane'\\''s -- gateway' --case=-4711 --author 'A & B' --logo 'logo of Jane'\\''s.svg'" +
        ' --timezone Asia/Kolkata --locale fr-CH --sections recommendation,findings,table --templates acme --paper letter' +
        ' --headroom 3 --memory-budget 7 --what-if udp_timeout=20 --limit file=8MiB',
    );
    const copy = `${folder}-copy`;
    cpSync(folder, copy, { recursive: true });
    expect(sh(command, {}, copy).status).toBe(0);
    for (const name of ['gw 1.html', 'gw 1.pdf'])
      expect(readFileSync(path.join(copy, name)).equals(read('a', name)), name).toBe(true);
  });

  test('tells in JSON what it was told, and says so of nothing by default', () => {
    sh(`conntrack-report report 'gw 1.tar.gz' ${ALL} --format json --out a`);
    sh("conntrack-report report 'gw 1.tar.gz' --utc --format json --out b");
    const { made } = JSON.parse(text('a', 'gw 1.json'));
    expect(made.options).toMatchObject({
      title: "Jane's -- gateway",
      case: '-4711',
      'memory-budget': '7',
      templates: 'acme',
    });
    expect(made.files.map(({ name }: { name: string }) => name)).toEqual([
      "logo of Jane's.svg",
      'acme/prose/findings-how.hbs',
    ]);
    expect(JSON.parse(text('b', 'gw 1.json')).made).toEqual({
      command: "conntrack-report report 'gw 1.tar.gz' --format json",
      options: {},
      files: [],
    });
  });

  test('is what the options say', () => {
    sh(`conntrack-report report 'gw 1.tar.gz' ${ALL} --format html,pdf --out a`);
    const html = text('a', 'gw 1.html');
    expect(html.match(/<p class="lead">Look at these first\.\s*<\/p>/g)).toHaveLength(1);
    expect(html).toContain(
      `src="data:image/svg+xml;base64,${Buffer.from(LOGO).toString('base64').replaceAll('=', '&#x3D;')}"`,
    );
    expect(html).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+05:30/);
    expect(html).not.toContain('The slab arithmetic');
    const pdf = read('a', 'gw 1.pdf').toString('latin1');
    const hex = (words: string) => Buffer.from(words, 'utf16le').swap16().toString('hex').toUpperCase();
    expect(pdf).toContain(`/Author <FEFF${hex('A & B')}>`);
    expect(pdf).toContain(`/Subject <FEFF${hex('Case -4711')}>`);
    expect(pdf).toMatch(new RegExp(`/Title <FEFF${hex("Jane's -- gateway · ")}|/Title \\(Jane's -- gateway`));
  });
});

describe('refused with 2, a reason and nothing written', () => {
  test.each([
    ['--timezone Berlin', /--timezone Berlin: .* no zone of that name; did you mean Europe\/Berlin\?/],
    ['--timezone Europe/Brelin', /expected one such as Europe\/Berlin/],
    ['--timezone +01:00', /expected one such as Europe\/Berlin/],
    ['--locale de_DE.UTF-8', /--locale de_DE\.UTF-8: did you mean de-DE\?/],
    ['--locale xx', /expected a language tag such as de, en-US or fr-CH/],
    ['--locale "not one"', /expected a language tag/],
    [
      '--sections slab,memory',
      /--sections memory: expected one or more of recommendation, findings, slab, table, idle, drops, capture, appendix/,
    ],
    [`--title ${'x'.repeat(201)}`, /--title has 201 characters, and there is room for 200/],
    ['--logo none.png', /--logo none\.png cannot be taken: ENOENT/],
    ['--logo old.tar.gz', /--logo old\.tar\.gz.* cannot be taken/],
    ['--templates none', /--templates none cannot be read/],
    ['--templates .', /there is no such template; these are there:\n.*report\.html\.hbs/],
  ])('%s', (option, message) => {
    const { status, stderr } = sh(`conntrack-report report old.tar.gz --out a ${option}`);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(at('a'))).toBe(false);
  });

  test('sections of what has none', () => {
    expect(sh('conntrack-report compare old.tar.gz --sections slab').status).toBe(2);
  });
});

test('a template that fails costs only what is made of it', () => {
  for (const page of ['report', 'brief']) writeFileSync(at('acme', `${page}.text.hbs`), '{{hostname}}\n{{nothing}}');
  const { status, stderr } = sh(
    'conntrack-report report "gw 1.tar.gz" old.tar.gz --format html,text --templates acme --out a',
  );
  expect(status).toBe(1);
  for (const name of ['gw 1', 'old']) {
    expect(stderr).toContain(`${name}.txt was not written: acme/report.text.hbs:2: "nothing" is not in what`);
    expect(stderr).toContain(`there is no summary of ${name}: acme/brief.text.hbs:2: `);
  }
  expect(readdirSync(at('a')).sort()).toEqual(['gw 1.html', 'old.html']);
});

test('--utc is the default, whatever --timezone says', () => {
  sh('conntrack-report report "gw 1.tar.gz" --format html --out a --timezone Asia/Tokyo --utc');
  sh('conntrack-report report "gw 1.tar.gz" --format html --out b');
  expect(text('a', 'gw 1.html')).toBe(text('b', 'gw 1.html'));
});

test('a comparison is made again by its command, and names every snapshot', () => {
  const command =
    'conntrack-report compare old.tar.gz "gw 1.tar.gz" --timezone Europe/Berlin --case 1 --templates acme';
  expect(sh(`${command} --format html --out a`).status).toBe(0);
  for (const name of readdirSync(at('a'))) {
    const html = text('a', name);
    expect(pasted(html).replaceAll(' \\\n  ', ' ')).toBe(
      "conntrack-report compare 'gw 1.tar.gz' old.tar.gz --case 1 --timezone Europe/Berlin --templates acme",
    );
    expect(html.split('class="made"')[1]?.match(/>[0-9a-f]{64}</g)).toHaveLength(2);
    expect(html).not.toContain('UTC');
  }
});

describe('a fleet', () => {
  beforeEach(() => {
    mkdirSync(at('bundles'));
    for (const name of ['gw 1.tar.gz', 'old.tar.gz']) copyFileSync(at(name), at('bundles', name));
    writeFileSync(at('hosts.csv'), 'hostname,site\ngw1,Bonn\n');
  });
  const command = (more: string) =>
    `conntrack-report fleet bundles --format html,json --labels hosts.csv --locale de --timezone Europe/Berlin --author Jane ${more}`;

  test('says how it was made, and of what', () => {
    expect(sh(`${command('--title Fleet --out a')} `).status).toBe(0);
    const index = text('a', 'index.html');
    expect(index).toContain('<h1>Fleet</h1>');
    expect(pasted(index).replaceAll(' \\\n  ', ' ')).toBe(
      'conntrack-report fleet bundles --title Fleet --author Jane --timezone Europe/Berlin --locale de --labels hosts.csv',
    );
    const list = sh('sha256sum bundles/* | cut -c1-64 | sort | sha256sum | cut -c1-64').stdout.trim();
    expect(index).toContain(`>${list}<`);
    expect(JSON.parse(text('a', 'fleet.json')).made.files).toMatchObject([{ name: 'hosts.csv' }]);
  });

  test('has pages that report makes, without the title of the index', () => {
    sh(command('--title Fleet --templates acme --out a'));
    const pages = readdirSync(at('a', 'hosts')).map((name) => text('a', 'hosts', name));
    const page = pages.find((html) => html.includes('gw 1.tar.gz')) ?? '';
    expect(pasted(page).replaceAll(' \\\n  ', ' ')).toBe(
      "conntrack-report report 'gw 1.tar.gz' --author Jane --timezone Europe/Berlin --locale de --templates acme",
    );
    expect(page).toContain('Look at these first.');
    expect(sh(`${pasted(page)} --format html --out b`).status).toBe(0);
    expect(text('b', 'gw 1.html')).toBe(page);
  });

  test('makes its pages anew where an option or a template is another', () => {
    sh(command('--templates acme --out a'));
    const [name = ''] = readdirSync(at('a', 'hosts'));
    const before = text('a', 'hosts', name);
    expect(sh(command('--templates acme --out a')).stdout).toContain('Analysed 0 of 2');
    expect(text('a', 'hosts', name)).toBe(before);
    writeFileSync(at('acme', 'prose', 'made.hbs'), 'Made anew.');
    sh(command('--templates acme --out a'));
    expect(text('a', 'hosts', name)).toContain('Made anew.');
  });

  test('is made anew of lines, too', () => {
    sh('conntrack-report analyse --jsonl bundles > results.jsonl');
    expect(sh('conntrack-report fleet --from results.jsonl --format html --out a').status).toBe(0);
    expect(pasted(text('a', 'index.html')).replaceAll(' \\\n  ', ' ')).toBe(
      'conntrack-report fleet --from results.jsonl',
    );
  });
});
