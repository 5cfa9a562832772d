/** What a run says while it works: on a terminal with a bar, in a pipe with nothing but messages, to programs as JSON lines. */
import type { SingleBar } from 'cli-progress';
import { beforeEnd } from '../ending.ts';
import { inertJson, printable } from '../report/inert.ts';
import { complaint } from './messages.ts';

/** How much is said, and to whom. */
export interface Telling {
  /** Errors only. */
  quiet?: boolean | undefined;
  /** What is read, from where, and how long each step took. */
  verbose?: boolean | undefined;
  /** Standard error has JSON lines. */
  json?: boolean | undefined;
  /** The result itself goes to standard output. */
  isOutTaken?: boolean | undefined;
}

/** A bar has so many parts, which nobody can tell apart. */
const PARTS = 1000;
/** Before that nobody knows how long it will take, and after that everybody wants to. */
const SECONDS_UNTIL_ESTIMATE = 2;
const SECONDS_BETWEEN_EVENTS = 0.25;

/**
 * Opens what a run says.
 *
 * @param total  what all steps weigh; a step that takes twice as long as another weighs twice as much
 */
export async function openProgress(total: number, telling: Telling = {}): Promise<Progress> {
  const { quiet, verbose, json, isOutTaken } = telling;
  // What is printed on the same terminal would tear it.
  const isAlone = isOutTaken !== true || process.stdout.isTTY !== true;
  if (process.stderr.isTTY !== true || !isAlone || quiet || verbose || json) return new Progress(total, telling);
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar(
    {
      // What a long name pushes off the line matters least.
      format: ' {bar} {percentage} % {left}{what} {how}',
      barsize: 20,
      stopOnComplete: false,
      clearOnComplete: true,
      stream: process.stderr,
      hideCursor: true,
    },
    cliProgress.Presets.shades_grey,
  );
  return new Progress(total, telling, bar);
}

/** Steps that are taken one after the other, and messages. */
export class Progress {
  readonly #total: number;
  readonly #telling: Telling;
  readonly #bar: SingleBar | undefined;
  readonly #held: [NodeJS.WriteStream, string][] = [];
  readonly #began = performance.now();
  /** Whoever ends the program gets the cursor back. */
  readonly #forget: () => void;
  #step: { what: string; weight: number; share: number; how: string; began: number } | undefined;
  #done = 0;
  #lastEvent = Number.NEGATIVE_INFINITY;

  constructor(total: number, telling: Telling, bar?: SingleBar) {
    this.#total = total;
    this.#telling = telling;
    this.#bar = bar;
    this.#forget = bar === undefined ? () => {} : beforeEnd(() => bar.stop());
    bar?.start(PARTS, 0, { what: '', how: '', left: '' });
  }

  /** One more step begins, and with it the one before ends. */
  step(what: string, weight = 1): void {
    this.#finish();
    this.#step = { what, weight, share: 0, how: '', began: performance.now() };
    this.#show(true);
  }

  /** One of many things that go on side by side is done. */
  advance(what: string, weight = 1): void {
    this.#finish();
    this.#done += weight;
    this.#step = { what, weight: 0, share: 0, how: '', began: performance.now() };
    this.#show(false);
  }

  /** How far the step is, for those that take long: in words, and as a part of 1. */
  detail(how: string, share = 0): void {
    if (this.#step === undefined) return;
    Object.assign(this.#step, { how, share: Math.min(1, share) });
    this.#show(false);
  }

  /** Steps that will not be taken. */
  skip(weight: number): void {
    this.#done += weight;
  }

  /** Something that was asked for could not be done. */
  error(message: string): void {
    this.#message('error', message);
  }

  /** The same, and returns the exit code, for a command that ends with it. */
  failed(code: number, message: string): number {
    this.error(message);
    return code;
  }

  warning(message: string): void {
    if (!this.#telling.quiet) this.#message('warning', message);
  }

  /** What only those want to know who asked for it. */
  note(message: string): void {
    if (this.#telling.verbose) this.#message('note', message);
  }

  /** What a person reads in the end. */
  say(text: string): void {
    if (!this.#telling.quiet) this.#write(this.#telling.isOutTaken ? process.stderr : process.stdout, text);
  }

  /** Names the files that were written. */
  written(files: readonly string[]): void {
    if (this.#telling.json && !this.#telling.quiet) for (const file of files) this.#event({ event: 'written', file });
    if (files.length > 0) this.say(`\nWritten\n${files.map((file) => `  ${printable(file)}\n`).join('')}\n`);
  }

  stop(): void {
    this.#finish();
    this.#forget();
    this.#bar?.stop();
    for (const [stream, text] of this.#held) stream.write(text);
    this.#held.length = 0;
    const seconds = secondsSince(this.#began);
    if (this.#telling.json && !this.#telling.quiet) this.#event({ event: 'end', seconds: rounded(seconds) });
    else this.note(`took ${seconds.toFixed(2)} s`);
  }

  #finish(): void {
    const step = this.#step;
    if (step === undefined) return;
    this.note(`${step.what}: ${secondsSince(step.began).toFixed(2)} s`);
    this.#done += step.weight;
    this.#step = undefined;
  }

  /** How much of all is done, from 0 to 1. */
  get #share(): number {
    const { weight, share } = this.#step ?? { weight: 0, share: 0 };
    return Math.min(1, (this.#done + weight * share) / this.#total);
  }

  /** Seconds that the rest will take if it goes on as it went; undefined: that cannot be told yet. */
  get #secondsLeft(): number | undefined {
    const share = this.#share;
    const seconds = secondsSince(this.#began);
    return seconds < SECONDS_UNTIL_ESTIMATE || share === 0 || share === 1 ? undefined : (seconds * (1 - share)) / share;
  }

  #show(isNew: boolean): void {
    const { what = '', how = '' } = this.#step ?? {};
    const left = this.#secondsLeft;
    this.#bar?.update(Math.round(PARTS * this.#share), {
      what: printable(what),
      how,
      left: left === undefined ? '' : `${spoken(left)} left · `,
    });
    if (!this.#telling.json || this.#telling.quiet) return;
    if (!isNew && secondsSince(this.#lastEvent) < SECONDS_BETWEEN_EVENTS) return;
    this.#lastEvent = performance.now();
    this.#event({
      event: 'progress',
      what,
      share: rounded(this.#share),
      ...(left !== undefined && { secondsLeft: Math.ceil(left) }),
    });
  }

  #message(event: 'error' | 'warning' | 'note', message: string): void {
    if (this.#telling.json) this.#event({ event, message });
    else this.#write(process.stderr, complaint(message));
  }

  #event(event: object): void {
    process.stderr.write(`${inertJson(JSON.stringify(event))}\n`);
  }

  /** A bar is redrawn in place: what is to be read is held back until it is gone. */
  #write(stream: NodeJS.WriteStream, text: string): void {
    if (this.#bar?.isActive) this.#held.push([stream, text]);
    else stream.write(text);
  }
}

const secondsSince = (began: number): number => (performance.now() - began) / 1000;

const rounded = (number: number): number => Math.round(number * 1000) / 1000;

/** A time that is a guess. */
function spoken(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 100 ? `${whole} s` : `${Math.ceil(seconds / 60)} min`;
}
