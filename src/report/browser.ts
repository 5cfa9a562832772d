/** Finds a browser that starts. One that is installed is not enough: the first that launches is taken. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, LaunchOptions, PuppeteerNode } from 'puppeteer-core';
import { type BrowserProgram, bundledBrowser } from './bundled-browser.ts';

interface Candidate {
  name: string;
  find: () => Promise<BrowserProgram | undefined>;
}

/** Set to a path, `bundled` or `system`, like the option. */
const CHOICE_VARIABLE = 'CONNTRACK_REPORT_BROWSER';
/** Set to 1 where this user is allowed no browser sandbox. */
const NO_SANDBOX_VARIABLE = 'CONNTRACK_REPORT_NO_SANDBOX';

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  '--disable-domain-reliability',
  '--no-pings',
  '--disable-breakpad',
  '--disable-crash-reporter',
  '--disable-dev-shm-usage',
  // The same glyph positions whatever the fonts of the system are set to.
  '--font-render-hinting=none',
  '--lang=en-US',
  // Nothing leaves the machine: no name resolves, and what is proxied, loopback included, meets a closed port.
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--proxy-server=127.0.0.1:9',
  '--proxy-bypass-list=<-loopback>',
];

function onPath(names: readonly string[], isShell: boolean) {
  return async (): Promise<BrowserProgram | undefined> => {
    for (const folder of (process.env.PATH ?? '').split(path.delimiter).filter(Boolean))
      for (const name of names) {
        const program = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
        if (existsSync(program)) return { path: program, isShell };
      }
    return undefined;
  };
}

async function inPuppeteersCache(): Promise<BrowserProgram | undefined> {
  const { getInstalledBrowsers } = await import('@puppeteer/browsers');
  const cacheDir = process.env.PUPPETEER_CACHE_DIR ?? path.join(homedir(), '.cache', 'puppeteer');
  const all = await getInstalledBrowsers({ cacheDir }).catch(() => []);
  const found = all.find((b) => b.browser === 'chrome-headless-shell') ?? all.find((b) => b.browser === 'chrome');
  return found && { path: found.executablePath, isShell: found.browser === 'chrome-headless-shell' };
}

async function installedChrome(): Promise<BrowserProgram | undefined> {
  const browsers = await import('@puppeteer/browsers');
  try {
    const program = browsers.computeSystemExecutablePath({
      browser: browsers.Browser.CHROME,
      channel: browsers.ChromeReleaseChannel.STABLE,
    });
    return { path: program, isShell: false };
  } catch {
    return undefined;
  }
}

/** What the system has comes first: it gets security updates. */
const SYSTEM: Candidate[] = [
  { name: 'headless shell on PATH', find: onPath(['chrome-headless-shell', 'chromium-headless-shell'], true) },
  { name: 'browser in the cache of puppeteer', find: inPuppeteersCache },
  { name: 'installed Google Chrome', find: installedChrome },
  {
    name: 'Chrome, Chromium or Edge on PATH',
    find: onPath(['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'microsoft-edge'], false),
  },
];
const BUNDLED: Candidate = { name: 'browser bundled with the npm package', find: bundledBrowser };

function candidatesFor(choice: string | undefined): Candidate[] {
  if (!choice) return [...SYSTEM, BUNDLED];
  if (choice === 'bundled') return [BUNDLED];
  if (choice === 'system') return SYSTEM;
  const isShell = /headless[-_]shell/.test(path.basename(choice));
  return [{ name: 'the browser that was named', find: async () => ({ path: choice, isShell }) }];
}

/** Why the browser has no sandbox; undefined: it has one. Chromium refuses to run its sandbox as root. */
function whyNoSandbox(): string | undefined {
  if (process.getuid?.() === 0) return 'root is allowed none; any other user is';
  return process.env[NO_SANDBOX_VARIABLE] === '1' ? `${NO_SANDBOX_VARIABLE} is set` : undefined;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Sees to it that nothing of a browser is left, whatever ends it or this process. */
function tidyUp(browser: Browser, profile: string): void {
  const program = browser.process();
  const remove = () => rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  const end = () => {
    try {
      // It leads a group, of all the processes that it started.
      if (program?.pid !== undefined) process.kill(-program.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
    remove();
  };
  const onSignal = (signal: NodeJS.Signals) => {
    end();
    // As if nobody had listened.
    process.kill(process.pid, signal);
  };
  process.once('exit', end);
  for (const signal of SIGNALS) process.once(signal, onSignal);
  program?.once('exit', () => {
    process.removeListener('exit', end);
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    remove();
  });
}

async function launch(program: BrowserProgram): Promise<Browser> {
  const { default: puppeteer } = await import('puppeteer-core');
  const profile = mkdtempSync(path.join(tmpdir(), 'conntrack-report-browser-'));
  try {
    const browser = await start(puppeteer, program, profile);
    tidyUp(browser, profile);
    return browser;
  } catch (error) {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    throw error;
  }
}

async function start(
  puppeteer: Pick<PuppeteerNode, 'launch'>,
  program: BrowserProgram,
  profile: string,
): Promise<Browser> {
  const options: LaunchOptions = {
    executablePath: program.path,
    headless: program.isShell ? 'shell' : true,
    // No debugging port is opened, and the browser ends with this process whatever ends it.
    pipe: true,
    timeout: 30_000,
    protocolTimeout: 120_000,
    args: [...FLAGS, ...(whyNoSandbox() === undefined ? [] : ['--no-sandbox'])],
    // Empty, and of this run only.
    userDataDir: profile,
    // See tidyUp().
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    // What it writes for a moment goes with the profile.
    env: { ...process.env, ...program.env, TZ: 'UTC', TMPDIR: profile, TMP: profile, TEMP: profile },
  };
  // A loaded machine can lose the first attempt.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return await puppeteer.launch(options);
    } catch {
      // Asked for its reason below.
    }
  }
  // Over the pipe a failure has no words; over a socket it has the browser's own.
  return await puppeteer.launch({ ...options, pipe: false });
}

function reason(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .replace(/TROUBLESHOOTING[\s\S]*/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, 4)
    .join(' ');
}

function failure(tried: readonly string[]): Error {
  const lines = [
    'A PDF needs a Chrome or Chromium that starts, and none did; HTML, Markdown and JSON reports need none.',
    'Tried:',
    ...tried.map((line) => `  - ${line}`),
    'Install one (Debian, Ubuntu: apt install chromium-headless-shell, or chromium; elsewhere Google Chrome), name one with',
    '--browser PATH, or open the HTML report in a browser and print it.',
  ];
  if (tried.some((line) => line.includes('No usable sandbox')))
    lines.push(`This system allows this user no browser sandbox; ${NO_SANDBOX_VARIABLE}=1 prints without it.`);
  return new Error(lines.join('\n'));
}

/**
 * Starts a browser: the one that is named (a path, `bundled`, `system`), or whatever starts first. `from` says which it
 * was, `noSandbox` why it has no sandbox, if so. The error lists each that was tried and why it was not it.
 */
export async function openBrowser(
  choice: string | undefined = process.env[CHOICE_VARIABLE],
): Promise<{ browser: Browser; from: string; noSandbox: string | undefined }> {
  const tried: string[] = [];
  for (const candidate of candidatesFor(choice)) {
    try {
      const program = await candidate.find();
      if (!program) {
        tried.push(`${candidate.name}: not found`);
        continue;
      }
      try {
        const from = `${candidate.name} (${program.path})`;
        return { browser: await launch(program), from, noSandbox: whyNoSandbox() };
      } catch (error) {
        tried.push(`${candidate.name} (${program.path}): ${reason(error)}`);
      }
    } catch (error) {
      tried.push(`${candidate.name}: ${reason(error)}`);
    }
  }
  throw failure(tried);
}
