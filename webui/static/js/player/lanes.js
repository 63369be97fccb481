// The lane labels: who speaks on which channel, and a switch that silences one side: all lanes that are heard on it.

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
    this.lanes = lanes;
    this.apply();
    this.list.replaceChildren(...lanes.map((lane, place) => this.line(lane, place, lanes.length > 1)));
  }

  line({ label, detail }, place, canMute) {
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
    if (canMute) line.append(this.button(label, place));
    return line;
  }

  button(label, place) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", t("Silence {name}", { name: label }));
    button.title = t("Silence {name}", { name: label });
    button.append(icon("volume-2", "small"));
    button.addEventListener("click", () => {
      const silent = !this.muted.has(place);
      for (const [other, lane] of this.lanes.entries()) {
        if (lane.side === this.lanes[place].side) this.silence(other, silent);
      }
      this.apply();
      this.onMute(this.muted);
    });
    return button;
  }

  silence(place, silent) {
    if (silent) this.muted.add(place);
    else this.muted.delete(place);
    const line = this.list.children[place];
    line.classList.toggle("muted", silent);
    const button = line.querySelector("button");
    button.setAttribute("aria-pressed", String(silent));
    button.replaceChildren(icon(silent ? "volume-x" : "volume-2", "small"));
  }

  // The audio graph is made at the first use: until then the browser plays by itself, with nothing in between.
  apply() {
    if (!this.gains && this.muted.size) this.connect();
    const silent = new Set([...this.muted].map((place) => this.lanes[place].side));
    this.gains?.forEach((gain, side) => (gain.gain.value = silent.has(side) ? 0 : 1));
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
