/** What options are given, read; every error names the option, what it was given, and what was expected. */
import { TIMEOUT_SETTINGS } from '../analysis/timeouts.ts';

/** Timeouts in seconds, by the setting's name. */
export function parseWhatIf(given: string): Record<string, number> {
  const pairs = given
    .split(',')
    .map((pair) => pair.trim())
    .filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, setting = '', seconds = ''] =
        /^(?:(?:net\.netfilter\.)?nf_conntrack_)?(\w+)\s*=\s*(\d{1,9})$/.exec(pair) ?? [];
      if (!TIMEOUT_SETTINGS.includes(setting) || Number(seconds) === 0) {
        throw new Error(
          `--what-if ${pair}: expected SETTING=SECONDS, where SETTING is one of ${TIMEOUT_SETTINGS.join(', ')}`,
        );
      }
      return [setting, Number(seconds)];
    }),
  );
}

export function numberWithin(option: string, given: string, least: number, most: number): number {
  const number = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new Error(`--${option} ${given}: expected a number from ${least} to ${most}`);
}

export function wholeWithin(option: string, given: string, least: number, most: number): number {
  if (/^\d+$/.test(given) && Number(given) >= least && Number(given) <= most) return Number(given);
  throw new Error(`--${option} ${given}: expected a whole number from ${least} to ${most}`);
}

/** Names with commas between them, each once. */
export function parseFormats<F extends string>(given: string, formats: Readonly<Record<F, unknown>>): F[] {
  const names = given.split(',').map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !Object.hasOwn(formats, name));
  if (wrong !== undefined) {
    throw new Error(`--format ${wrong}: expected one or more of ${Object.keys(formats).join(', ')}`);
  }
  return [...new Set(names)] as F[];
}
