/** A progress bar on a terminal; in a pipe nothing but the messages. */
export interface Progress {
  /** One more step begins. */
  step(what: string): void;
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
      format: ' {bar} {value}/{total} {what}',
      stopOnComplete: false,
      clearOnComplete: true,
      stream: process.stderr,
      hideCursor: true,
    },
    cliProgress.Presets.shades_grey,
  );
  let done = 0;
  const held: [NodeJS.WriteStream, string][] = [];
  bar.start(steps, 0, { what: '' });
  return {
    step(what) {
      bar.update(done++, { what });
    },
    skip(more) {
      done += more;
    },
    // The bar is redrawn in place: what is to be read is held back until it is gone.
    print(stream, text) {
      held.push([stream, text]);
    },
    stop() {
      bar.stop();
      for (const [stream, text] of held) stream.write(text);
    },
  };
}
