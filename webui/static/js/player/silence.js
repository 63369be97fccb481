// Where nobody speaks, found in the peaks: spans that "skip silence" jumps over.

const QUIET = 0.022;
const SHORTEST_S = 1.2;
const EDGE_S = 0.25;

export function silences(channels, duration) {
  const points = channels[0]?.length ?? 0;
  const found = [];
  let from = -1;
  for (let at = 0; at <= points; at++) {
    const quiet = at < points && channels.every((peaks) => Math.abs(peaks[at]) < QUIET);
    if (quiet && from < 0) from = at;
    if (quiet || from < 0) continue;
    const start = (from / points) * duration + EDGE_S;
    const end = (at / points) * duration - EDGE_S;
    if (end - start >= SHORTEST_S - 2 * EDGE_S) found.push([start, end]);
    from = -1;
  }
  return found;
}

export function skipFrom(spans, time) {
  const span = spans.find(([start, end]) => time >= start && time < end - 0.05);
  return span ? span[1] : null;
}
