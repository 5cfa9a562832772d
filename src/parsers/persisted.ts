/**
 * Settings that are meant to survive a reboot: sysctl.conf(5) and sysctl.d(5), modprobe.d(5) and the older modprobe.conf,
 * modules-load.d(5) and /etc/modules, and the kernel's command line. Only what names conntrack is of interest; the
 * collector leaves the other lines blank, an unpacked tree has them all:
 *     net.netfilter.nf_conntrack_max = 262144
 *     options nf_conntrack hashsize=65536
 *     nf_conntrack
 *     BOOT_IMAGE=/vmlinuz nf_conntrack.hashsize=65536
 */
import type { PersistedSetting } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { sysctlKey } from './settings-names.ts';
import { foreignContent, type NumberedLine, numberedLines, oddLines, refuse } from './text.ts';

const cost = 'Settings on these lines are missing from the list of what a reboot brings back.';

/** Module names are written with `-` or `_`, and modprobe and the kernel make no difference. */
const conntrackModule = /^(?:nf|ip)[_-]conntrack(?:[_-][\w-]+)?$/;

/** What one line says; undefined where it cannot be understood. */
type ReadLine = (text: string) => Omit<PersistedSetting, 'file' | 'line'>[] | undefined;

/** Reads sysctl.conf(5): `key = value`, `key/with/slashes=value`, `-key = value` where a failure is to be ignored. */
export function parseSysctlConf(text: string, file: string): Parsed<PersistedSetting[]> {
  return readLines(text, file, numberedLines(text), (content) => {
    const [, key, value] = /^([^=]*)=(.*)$/.exec(content) ?? [];
    // `-key` alone tells systemd to leave a key out of a pattern: nothing is set.
    if (key === undefined || value === undefined) return content.startsWith('-') ? [] : undefined;
    if (!/conntrack/.test(key)) return [];
    return [{ kind: 'sysctl', key: sysctlKey(key.trim()), value: value.trim() }];
  });
}

/** Reads modprobe.d(5): `options`, and `install`, which replaces the loading of a module by a command. */
export function parseModprobeConf(text: string, file: string): Parsed<PersistedSetting[]> {
  return readLines(text, file, continuedLines(text), (content) => {
    const [directive = '', module = '', ...words] = content.split(/\s+/);
    if (directive === 'install') {
      return [{ kind: 'module-option', key: `${canonical(module)} install`, value: words.join(' ') }];
    }
    if (
      /^(?:alias|blacklist|config|include|remove|softdep|weakdep|above|below|pre-install|post-install)$/.test(directive)
    )
      return [];
    if (directive !== 'options' || module === '') return undefined;
    return conntrackModule.test(module) ? words.map((word) => moduleOption(module, word)) : [];
  });
}

/** Reads modules-load.d(5), a module a line, and /etc/modules, where options may follow. */
export function parseModulesLoad(text: string, file: string): Parsed<PersistedSetting[]> {
  return readLines(text, file, numberedLines(text), (content) => {
    const [module = '', ...words] = content.split(/\s+/);
    if (!conntrackModule.test(module)) return [];
    return [{ kind: 'module-load', key: canonical(module) }, ...words.map((word) => moduleOption(module, word))];
  });
}

/** Reads `/proc/cmdline`: the words that name conntrack, `nf_conntrack.hashsize=65536` above all. */
export function parseCmdline(text: string, file: string): Parsed<PersistedSetting[]> {
  return readLines(text, file, numberedLines(text), (content) => {
    // Double quotes keep a value with blanks together (lib/cmdline.c, next_arg()).
    const words = content.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
    return words.filter((word) => word.includes('conntrack')).map(kernelParameter);
  });
}

function kernelParameter(word: string): ReturnType<typeof moduleOption> {
  const [name = '', value] = keyAndValue(word);
  const [module = '', ...parameter] = name.split('.');
  const isOption = parameter.length > 0 && conntrackModule.test(module);
  return {
    kind: 'kernel-parameter',
    key: isOption ? `${canonical(module)} ${canonical(parameter.join('.'))}` : name,
    ...(value === undefined ? {} : { value }),
  };
}

function moduleOption(module: string, word: string): Omit<PersistedSetting, 'file' | 'line'> {
  const [name = '', value] = keyAndValue(word);
  return {
    kind: 'module-option',
    key: `${canonical(module)} ${canonical(name)}`,
    ...(value === undefined ? {} : { value }),
  };
}

function keyAndValue(word: string): [string, string | undefined] {
  const bare = word.replaceAll('"', '');
  const end = bare.indexOf('=');
  return end < 0 ? [bare, undefined] : [bare.slice(0, end), bare.slice(end + 1)];
}

function canonical(name: string): string {
  return name.replaceAll('-', '_');
}

/** Lines of modprobe.d go on where they end with a backslash; the first one gives the number. */
function continuedLines(text: string): NumberedLine[] {
  const lines: NumberedLine[] = [];
  let open = false;
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trimEnd();
    const goesOn = content.endsWith('\\');
    const part = (goesOn ? content.slice(0, -1) : content).trim();
    const last = lines.at(-1);
    if (open && last !== undefined) last.text = `${last.text} ${part}`.trim();
    else lines.push({ text: part, line: index + 1 });
    open = goesOn;
  }
  return lines.filter((line) => line.text !== '');
}

function readLines(text: string, file: string, lines: NumberedLine[], readLine: ReadLine): Parsed<PersistedSetting[]> {
  const foreign = foreignContent(text);
  if (foreign !== undefined) return refuse(file, foreign, 'Which settings this file brings back is unknown.');
  const settings: PersistedSetting[] = [];
  const odd: NumberedLine[] = [];
  for (const { text: content, line } of lines) {
    if (/^[#;]/.test(content) || !content.includes('conntrack')) continue;
    const found = readLine(content);
    if (found === undefined) odd.push({ text: content, line });
    else settings.push(...found.map((setting) => ({ file, line, ...setting })));
  }
  return { value: settings, problems: oddLines(file, odd, cost) };
}
