// The waveform: one lane for each channel, drawn from the server's peaks; finer ones are fetched when zooming in.

import { Hover, Timeline, WaveSurfer } from "../../vendor/wavesurfer.js";
import { clock } from "../texts.js";

const LANE_PX = 44;
const TIMELINE_PX = 17;
const ZOOM_STEP = 1.8;
const LABEL_LETTER_PX = 6.5;
const LABEL_GAP_PX = 40;
const TICK_GAP_PX = 24;
const STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800];

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const narrow = () => matchMedia("(max-width: 860px)").matches;

// light-dark() in a custom property stays unresolved: let the browser compute it on a real property
function computed(value) {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = value;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const colour = (name) => computed(`var(${name})`);
// opaque: wavesurfer paints what has been played through the alpha of what has not
const faded = (name, share) => computed(`color-mix(in srgb, var(${name}) ${share}%, var(--raised))`);

export class Waveform {
  constructor(box, audio, { duration, peaks, lanes, onEarlySeek, onLayout }) {
    this.box = box;
    this.duration = duration;
    this.lanes = lanes;
    this.peaks = peaks;
    this.pxPerSecond = 0;
    this.muted = new Set();
    this.surfer = WaveSurfer.create({
      container: box,
      media: audio,
      peaks: peaks.coarse,
      duration,
      ...this.look(),
      cursorWidth: 2,
      barWidth: 2,
      barGap: 1,
      barRadius: 2,
      barMinHeight: 1,
      normalize: false,
      dragToSeek: true,
      autoCenter: true,
      hideScrollbar: false,
      cspNonce: document.querySelector('meta[name="style-nonce"]').nonce,
      plugins: [this.timeline(), this.hover()],
    });
    this.surfer.on("error", () => {}); // the audio element's own errors are handled by the player
    this.surfer.on("ready", () => this.show(audio.currentTime));
    this.surfer.on("interaction", (time) => audio.readyState === HTMLMediaElement.HAVE_NOTHING && onEarlySeek(time));
    const tell = () => onLayout(this.surfer.getWrapper().clientWidth, this.surfer.getScroll());
    for (const name of ["redrawcomplete", "resize", "scroll", "zoom"]) this.surfer.on(name, tell);
    this.onTheme = () => this.surfer.setOptions(this.look());
    document.addEventListener("hub:theme", this.onTheme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.onTheme);
  }

  look() {
    const height = narrow() ? 34 : LANE_PX;
    const names = this.lanes.map((_, lane) => (this.muted.has(lane) ? "--calm" : `--lane-${(lane % 6) + 1}`));
    const one = (name, lane) => ({ waveColor: faded(name, this.muted.has(lane) ? 22 : 45), progressColor: colour(name), height });
    return { ...one(names[0], 0), cursorColor: colour("--text"), splitChannels: names.length > 1 ? names.map(one) : undefined };
  }

  get laidPxPerSecond() {
    return (this.surfer?.getWrapper().scrollWidth || this.box.clientWidth) / this.duration;
  }

  get labelPx() {
    return clock(this.duration).length * LABEL_LETTER_PX + LABEL_GAP_PX;
  }

  // seconds from one label to the next: as few as leave room for the longest
  get labelStep() {
    const fewest = this.labelPx / this.laidPxPerSecond;
    return STEPS_S.find((step) => step >= fewest) ?? Math.ceil(fewest / 3600) * 3600;
  }

  get tickStep() {
    const label = this.labelStep;
    return STEPS_S.find((step) => label % step === 0 && step * this.laidPxPerSecond >= TICK_GAP_PX) ?? label;
  }

  timeline() {
    // the plug-in takes its options once and draws often: these are numbers that count anew at each drawing
    const label = { valueOf: () => this.labelStep };
    const intervals = { timeInterval: { valueOf: () => this.tickStep }, primaryLabelInterval: label, secondaryLabelInterval: label };
    const fits = (time) => (this.duration - time) * this.laidPxPerSecond >= this.labelPx - LABEL_GAP_PX;
    const formatTimeCallback = (time) => (fits(time) ? clock(time) : "");
    return Timeline.create({ ...intervals, height: TIMELINE_PX, formatTimeCallback, style: { fontSize: "10.5px", color: colour("--text-2"), fontFamily: style("--font") } });
  }

  hover() {
    const look = { lineColor: colour("--text-3"), lineWidth: 1, labelBackground: colour("--text"), labelColor: colour("--raised"), labelSize: "11px" };
    return Hover.create({ ...look, formatTimeCallback: clock });
  }

  // the playhead: wavesurfer follows the events of the audio, of which there are none before it is loaded
  show(time) {
    if (this.surfer.getDuration()) this.surfer.updateProgress(time);
  }

  get fitPxPerSecond() {
    return this.surfer.getWidth() / this.duration;
  }

  async zoom(steps) {
    const most = this.duration > 3600 ? 20 : 160;
    const now = this.pxPerSecond || this.fitPxPerSecond;
    const wanted = Math.min(now * ZOOM_STEP ** steps, Math.max(most, this.fitPxPerSecond));
    this.pxPerSecond = wanted <= this.fitPxPerSecond * 1.05 ? 0 : wanted;
    const finer = this.pxPerSecond ? await this.peaks.atLeast(this.pxPerSecond / 3) : this.peaks.coarse;
    if (this.destroyed) return;
    this.surfer.setOptions({ peaks: finer, duration: this.duration, minPxPerSec: this.pxPerSecond });
  }

  mute(muted) {
    this.muted = muted;
    this.surfer.setOptions(this.look());
  }

  destroy() {
    this.destroyed = true;
    document.removeEventListener("hub:theme", this.onTheme);
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.onTheme);
    this.surfer.destroy();
    this.box.replaceChildren();
  }
}
