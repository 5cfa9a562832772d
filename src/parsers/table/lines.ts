/**
 * Cuts what the scanner does not read into lines. Bytes become characters one to one (latin1): rows are ASCII, and what is not
 * can still be quoted.
 */

/** The longest line that is looked at; kernel rows have less than 500 characters, security contexts at most 4096. */
export const LONGEST_LINE = 64 * 1024;

const NEWLINE = '\n';
const FLOW_END = '</flow>';

/**
 * What `conntrack -L` ends with (`exit_msg[]` in conntrack-tools, src/conntrack.c). It goes to standard error, at once, while the last
 * block of rows still waits in the buffer of standard output: where both were captured in one file, it is in the middle of a row.
 */
const SHOWN = /conntrack v(\S{1,32}) \(conntrack-tools\): (\d{1,10}) flow entries have been shown\.\r?$/;

/** Pieces of one row that are held: several runs may have written to one file. */
const MOST_PIECES = 4;

/** A line, or a piece of one that a summary line of `conntrack` was spliced into. */
export interface Piece {
  text: string;
  /** Of its line in the file, from 1. */
  number: number;
}

/** What a summary line of `conntrack` says. */
export interface Shown {
  entries: number;
  toolVersion: string;
  number: number;
}

/** Receives what a {@link LineCutter} cuts. */
interface LineReceiver {
  /**
   * Takes a line without its end.
   *
   * @param line its text and number; the first {@link LONGEST_LINE} characters of a longer line
   * @param whole false for a line that was too long
   * @param pieces what it was put together from, where a summary line was taken out of it; else none
   */
  line(line: Piece, whole: boolean, pieces: readonly Piece[]): void;
  /** Takes a summary line, wherever it was found. */
  shown(shown: Shown): void;
}

/**
 * Cuts at `\n`, drops `\r` before it, and in XML cuts after each `</flow>` too, since a whole table can be one line there. Takes
 * summary lines of `conntrack` out of the rows that they were spliced into. A line may come in parts; at most {@link LONGEST_LINE}
 * characters of it are held.
 */
export class LineCutter {
  readonly #receiver: LineReceiver;
  #unfinished = '';
  #isXml = false;
  #skipping = false;
  #pieces: Piece[] = [];

  constructor(receiver: LineReceiver) {
    this.#receiver = receiver;
  }

  /**
   * Takes a line, or the next part of one.
   *
   * @param number that of the line in the file
   * @returns whether the line goes on in the next one, which has to come here as well
   */
  push(part: Uint8Array, number: number): boolean {
    const text = this.#unfinished + Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('latin1');
    const isFinished = text.endsWith(NEWLINE);
    const line = isFinished ? text.slice(0, -1) : text;
    const passed = this.#passFlows(line, number);
    if (passed > 0) this.#pieces = [];
    const rest = line.slice(passed);
    if (!isFinished) {
      if (rest.length > LONGEST_LINE) this.#pass(rest, number);
      this.#unfinished = this.#skipping ? '' : rest;
      return false;
    }
    const own = rest.slice(this.#heldLength);
    const shown = this.#skipping ? null : SHOWN.exec(own);
    if (shown === null) {
      this.#finish(rest, number);
      return false;
    }
    const [, toolVersion = '', entries] = shown;
    this.#receiver.shown({ entries: Number(entries), toolVersion, number });
    return this.#hold(own.slice(0, shown.index), number);
  }

  /** Ends the file: what was held for the next line has none. */
  end(): void {
    if (this.#pieces.length > 0) this.#finish(this.#unfinished, this.#pieces.at(-1)?.number ?? 0);
  }

  /** Holds the piece that stands before a summary line; false where nothing is held. */
  #hold(piece: string, number: number): boolean {
    const all = this.#pieces.map(({ text }) => text).join('') + piece;
    if (piece !== '' && this.#pieces.length === MOST_PIECES) {
      this.#finish(all, number);
      return false;
    }
    if (piece !== '') this.#pieces.push({ text: piece, number });
    this.#unfinished = all;
    return this.#pieces.length > 0;
  }

  get #heldLength(): number {
    return this.#pieces.reduce((sum, { text }) => sum + text.length, 0);
  }

  #finish(line: string, number: number): void {
    const last = withoutReturn(line.slice(this.#heldLength));
    // A summary line may part a row's end, too.
    const held = this.#pieces.map((piece) => ({ ...piece, text: withoutReturn(piece.text) }));
    const pieces = held.length > 0 && last !== '' ? [...held, { text: last, number }] : held;
    this.#pass(line, pieces[0]?.number ?? number, pieces);
    this.#unfinished = '';
    this.#isXml = false;
    this.#skipping = false;
    this.#pieces = [];
  }

  /** Passes on the finished `<flow>` elements of a line and returns where the rest of it starts. */
  #passFlows(line: string, number: number): number {
    if (line.startsWith('<')) this.#isXml = true;
    let at = 0;
    while (this.#isXml && !this.#skipping) {
      const flowEnd = line.indexOf(FLOW_END, at);
      if (flowEnd === -1) break;
      this.#pass(line.slice(at, flowEnd + FLOW_END.length), number);
      at = flowEnd + FLOW_END.length;
    }
    return at;
  }

  /** Passes on a line, and of one that is too long its start; what follows in that line is skipped. */
  #pass(line: string, number: number, pieces: readonly Piece[] = []): void {
    if (this.#skipping) return;
    this.#skipping = line.length > LONGEST_LINE;
    if (this.#skipping) this.#receiver.line({ text: line.slice(0, LONGEST_LINE), number }, false, []);
    else this.#receiver.line({ text: withoutReturn(line), number }, true, pieces);
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
