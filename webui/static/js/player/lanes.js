// The lane labels: who speaks on which channel, and a switch that silences one of them.

import { icon, t } from "../texts.js";

export class Lanes {
  constructor(list, audio, onMute) {
    this.list = list;
    this.audio = audio;
    this.onMute = onMute;
    this.muted = new Set();
  }

  show(lanes) {
    this.muted.clear();
    this.apply();
    this.list.replaceChildren(...lanes.map((lane, channel) => this.line(lane, channel, lanes.length > 1)));
  }

  line({ label, detail }, channel, canMute) {
    const line = document.createElement("div");
    line.className = "lane";
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    const name = document.createElement("span");
    name.className = "name";
    name.translate = false;
    const strong = document.createElement("strong");
    strong.textContent = label;
    strong.title = label;
    name.append(strong);
    if (detail) {
      const small = document.createElement("small");
      small.textContent = detail;
      name.append(small);
    }
    line.append(swatch, name);
    if (canMute) line.append(this.button(line, label, channel));
    return line;
  }

  button(line, label, channel) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", t("Silence {name}", { name: label }));
    button.title = t("Silence {name}", { name: label });
    button.append(icon("volume-2", "small"));
    button.addEventListener("click", () => {
      const silent = !this.muted.has(channel);
      if (silent) this.muted.add(channel);
      else this.muted.delete(channel);
      line.classList.toggle("muted", silent);
      button.setAttribute("aria-pressed", String(silent));
      button.replaceChildren(icon(silent ? "volume-x" : "volume-2", "small"));
      this.apply();
      this.onMute(this.muted);
    });
    return button;
  }

  // The audio graph is made at the first use: until then the browser plays by itself, with nothing in between.
  apply() {
    if (!this.gains && this.muted.size) this.connect();
    this.gains?.forEach((gain, channel) => (gain.gain.value = this.muted.has(channel) ? 0 : 1));
  }

  connect() {
    const context = new AudioContext();
    const source = context.createMediaElementSource(this.audio);
    const splitter = context.createChannelSplitter(2);
    // one party alone is heard in both ears
    const both = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
    source.connect(splitter);
    this.gains = [0, 1].map((channel) => {
      const gain = context.createGain();
      splitter.connect(gain, channel);
      gain.connect(both);
      return gain;
    });
    both.connect(context.destination);
    context.resume();
    this.audio.addEventListener("play", () => context.resume());
  }
}
