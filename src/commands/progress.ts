/** A progress bar on a terminal; in a pipe nothing but the messages. */
export interface Progress {
  /** One more step begins. */
  step(what: string): void;
  /** How far the step is, for those that take long. */
  detail(how: string): void;
  /** Steps that will not be taken. */
  skip(steps: number): void;
  /** Writes a message without tearing the bar. */
  print(stream: NodeJS.WriteStream, text: string): void;
  stop(): void;
}

/** Opens a bar on standard error, if that is a terminal. */
export async function openProgress(steps: number): Promise<Progress> {
  if (process.stderr.isTTY !== true) {
    return {
      step() {},
      detail() {},
      skip() {},
      print(stream, text) {
        stream.write(text);
      },
      stop() {},
    };
  }
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar(
    {
      format: ' {bar} {value}/{total} {what} {how}',
      stopOnComplete: false,
      clearOnComplete: true,
      stream: process.stderr,
      hideCursor: true,
    },
    cliProgress.Presets.shades_grey,
  );
  let done = 0;
  const held: [NodeJS.WriteStream, string][] = [];
  // Whoever ends the program gets the cursor back, and the program ends as if nobody had listened.
  const end = (signal: NodeJS.Signals) => {
    bar.stop();
    process.kill(process.pid, signal);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  bar.start(steps, 0, { what: '', how: '' });
  return {
    step(what) {
      bar.update(done++, { what, how: '' });
    },
    detail(how) {
      bar.update({ how });
    },
    skip(more) {
      done += more;
    },
    // The bar is redrawn in place: what is to be read is held back until it is gone.
    print(stream, text) {
      held.push([stream, text]);
    },
    stop() {
      process.removeListener('SIGINT', end);
      process.removeListener('SIGTERM', end);
      bar.stop();
      for (const [stream, text] of held) stream.write(text);
    },
  };
}
