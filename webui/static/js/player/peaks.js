// Waveform peaks as the hub serves them. One level of a peaks object, little-endian: 4 bytes "RHPK", u8 version,
// u8 channels, u16 levels, u32 sample rate, u64 samples; then u32 samples in a point, u32 points, u32 offset, u32 0;
// then for each point and channel the lowest and highest sample as two int8.

const MAGIC = 0x4b504852;
const LEVEL_AT = 20;
const FIT = 0;
const FINER = [1, 2];

export function decode(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < LEVEL_AT + 16 || view.getUint32(0, true) !== MAGIC || view.getUint8(4) !== 1) throw new Error("no peaks");
  const channels = view.getUint8(5);
  const pointsPerSecond = view.getUint32(8, true) / view.getUint32(LEVEL_AT, true);
  const points = view.getUint32(LEVEL_AT + 4, true);
  const extremes = new Int8Array(buffer, view.getUint32(LEVEL_AT + 8, true), points * channels * 2);
  const lanes = Array.from({ length: channels }, () => new Float32Array(points));
  for (let at = 0, point = 0; point < points; point++) {
    for (const lane of lanes) {
      lane[point] = Math.max(-extremes[at], extremes[at + 1]) / 127;
      at += 2;
    }
  }
  return { lanes, pointsPerSecond };
}

async function fetchLevel(address, level, signal) {
  const answer = await fetch(`${address}&level=${level}`, { signal });
  return answer.ok ? decode(await answer.arrayBuffer()) : null;
}

// quiet lines are easier to read a little louder; the loudest point sets how much
function louder(lanes) {
  let top = 0.05;
  for (const lane of lanes) for (const value of lane) if (value > top) top = value;
  const gain = Math.min(0.96 / top, 4);
  return lanes.map((lane) => lane.map((value) => value * gain));
}

export async function fetchPeaks(address, wanted, signal) {
  const fit = address ? await fetchLevel(address, FIT, signal) : null;
  if (!fit || fit.lanes.length === 0 || fit.lanes[0].length === 0) return null;
  const known = new Map([[FIT, fit]]);
  const drawn = (level) => louder(level.lanes.slice(0, Math.max(wanted, 1)));
  return {
    coarse: drawn(fit),
    raw: fit.lanes,
    async atLeast(pointsPerSecond) {
      for (const level of [FIT, ...FINER]) {
        if (!known.has(level)) known.set(level, (await fetchLevel(address, level, signal).catch(() => null)) ?? fit);
        if (known.get(level).pointsPerSecond >= pointsPerSecond) return drawn(known.get(level));
      }
      return drawn(known.get(FINER.at(-1)));
    },
  };
}
