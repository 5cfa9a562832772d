/** What has to be put away when a signal ends the program. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Has something done, at once, before a signal ends the program; it then ends as if nobody had listened.
 *
 * @returns what to call when there is nothing to put away any more
 */
export function beforeEnd(tidy: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    tidy();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
  };
}
