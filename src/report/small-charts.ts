/** Charts that fit into the cell of a table. The numbers stand beside them, so that nobody has to read them off. */

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** How full something is. `full`: in the colour of what is wrong. */
export function usageBar(share: number, full: boolean): string {
  // Something is never drawn as nothing, and what is over the limit not over the edge.
  const width = share > 0 ? Math.min(100, Math.max(1, rounded(share * 100))) : 0;
  return (
    '<svg class="chart" aria-hidden="true" width="100%" height="6"><rect class="track" width="100%" height="6" rx="1.5"/>' +
    `<rect class="${full ? 'limit' : 'strong'}" width="${width}%" height="6" rx="1.5"/></svg>`
  );
}

const WIDTH = 100;
const HEIGHT = 20;

/** A line from zero on, for its shape alone; nothing with fewer than two points. */
export function sparkline(points: readonly { x: number; y: number }[]): string | undefined {
  if (points.length < 2) return undefined;
  const xs = points.map(({ x }) => x);
  const [start, end] = [Math.min(...xs), Math.max(...xs)];
  const highest = Math.max(1, ...points.map(({ y }) => y));
  const at = ({ x, y }: { x: number; y: number }) =>
    `${rounded(end === start ? 0 : ((x - start) / (end - start)) * WIDTH)},${rounded(HEIGHT - 1 - (y / highest) * (HEIGHT - 2))}`;
  return (
    `<svg class="chart" aria-hidden="true" width="100%" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">` +
    `<rect class="track" width="${WIDTH}" height="${HEIGHT}"/><polyline class="line" points="${points.map(at).join(' ')}"/></svg>`
  );
}
