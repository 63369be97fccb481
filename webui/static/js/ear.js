// <live-ear>: plays a call that goes on. It lives outside <main>, so one hears on while moving between pages.
//
// The hub sends a WAV file without an end. Its blocks are played a moment after they come; should they pile up because
// the connection stalled, what is old is left out, so that one hears what is said now.

import { announce, t } from "./texts.js";
import { toast } from "./toasts.js";

const RATE_HZ = 8000;
const HEADER_BYTES = 44;
const FRAME_BYTES = 4;
const LEAD_S = 0.12;
const MOST_AHEAD_S = 0.8;
const LEAST_FRAMES = 400;
const SILENT_MS = 2000;
const LATE_MS = 15_000; // a hub that stops ends the audio first

class LiveEar extends HTMLElement {
  connectedCallback() {
    if (this.parts) return;
    this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.parts.stop.addEventListener("click", () => this.stop(true));
    new ResizeObserver(() => document.documentElement.style.setProperty("--ear-height", this.hidden ? "0px" : `${this.offsetHeight + 24}px`)).observe(this);
    document.addEventListener("hub:lost", () => this.isCutOff() && this.lose());
    document.addEventListener("hub:back", () => this.classList.contains("lost") && this.stop());
    this.parts.volume.addEventListener("input", () => this.gain && (this.gain.gain.value = Number(this.parts.volume.value)));
  }

  async listen(id, who) {
    this.stop();
    document.getElementById("dock")?.pause();
    const going = (this.going = new AbortController());
    this.call = id;
    this.hidden = false;
    this.parts.who.textContent = who;
    this.parts.close.textContent = t("Stop listening");
    this.heardAt = performance.now();
    this.say(t("Connecting…"));
    this.context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    this.gain = new GainNode(this.context, { gain: Number(this.parts.volume.value) });
    this.gain.connect(this.context.destination);
    this.playedUntil = 0;
    this.mark();
    try {
      const answer = await fetch(`/live/${id}/audio`, { signal: going.signal });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) return this.fail(await answer.text());
      await this.play(answer.body.getReader());
      const isThere = await answers();
      if (this.going !== going) return;
      if (isThere) this.end(t("The call is over"));
      else this.lose();
    } catch (error) {
      if (error.name === "AbortError" || this.going !== going) return;
      if (this.classList.contains("sounding")) this.lose();
      else this.fail(t("Check the connection and try again."));
    }
  }

  async play(reader) {
    let left = new Uint8Array(0);
    let skipped = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.heardAt = performance.now();
      const skip = Math.min(HEADER_BYTES - skipped, value.length);
      skipped += skip;
      const bytes = new Uint8Array(left.length + value.length - skip);
      bytes.set(left);
      bytes.set(value.subarray(skip), left.length);
      const frames = Math.floor(bytes.length / FRAME_BYTES);
      if (frames < LEAST_FRAMES) {
        left = bytes;
        continue;
      }
      this.schedule(bytes, frames);
      left = bytes.slice(frames * FRAME_BYTES);
    }
  }

  schedule(bytes, frames) {
    const { context } = this;
    if (this.playedUntil - context.currentTime > MOST_AHEAD_S) return;
    const samples = new DataView(bytes.buffer);
    const buffer = context.createBuffer(2, frames, RATE_HZ);
    for (const side of [0, 1]) {
      const channel = buffer.getChannelData(side);
      for (let frame = 0; frame < frames; frame += 1) channel[frame] = samples.getInt16((frame * 2 + side) * 2, true) / 32768;
    }
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(this.gain);
    const at = this.playedUntil > context.currentTime ? this.playedUntil : context.currentTime + LEAD_S;
    source.start(at);
    this.playedUntil = at + buffer.duration;
    if (!this.classList.contains("sounding")) {
      this.classList.add("sounding");
      this.say(t("You hear"));
      announce(t("Listening to {who}", { who: this.parts.who.textContent }));
    }
  }

  say(state) {
    this.parts.state.textContent = state;
  }

  fallSilent(text) {
    announce(text);
    this.say(text);
    this.classList.remove("sounding");
    this.parts.close.textContent = t("Close");
  }

  isCutOff() {
    const silentMs = performance.now() - this.heardAt;
    return (this.going && silentMs > SILENT_MS) || (this.hasEnded && silentMs < LATE_MS);
  }

  lose() {
    this.going?.abort();
    this.hidden = this.hasEnded = false;
    this.fallSilent(t("Connection lost; nothing is heard any more"));
    this.classList.add("lost");
  }

  end(text) {
    this.fallSilent(text);
    this.hasEnded = true;
    const { going } = this;
    setTimeout(() => {
      if (this.going !== going || this.classList.contains("lost")) return;
      this.stop();
      this.hasEnded = true;
    }, 2500);
  }

  fail(text) {
    this.stop();
    toast({ title: t("This call cannot be heard"), text, shade: "bad", icon: "circle-x" });
  }

  stop(byHand = false) {
    const button = document.querySelector(`[data-listen="${this.call}"]`);
    const isHere = byHand || this.contains(document.activeElement);
    this.going?.abort();
    this.context?.close();
    this.going = this.context = this.gain = this.call = null;
    this.classList.remove("sounding", "lost");
    this.hasEnded = false;
    this.hidden = true;
    this.mark();
    if (isHere) (button ?? document.getElementById("main"))?.focus();
  }

  mark() {
    for (const button of document.querySelectorAll("[data-listen]")) {
      button.setAttribute("aria-pressed", String(button.dataset.listen === this.call));
    }
  }
}

// audio ends with its call, and with the hub
async function answers() {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).status < 500;
  } catch {
    return false;
  }
}

customElements.define("live-ear", LiveEar);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-listen]");
  if (!button) return;
  const ear = document.getElementById("ear");
  if (ear.call === button.dataset.listen) ear.stop();
  else ear.listen(button.dataset.listen, button.dataset.who);
});

// a recording and a call are not heard together
document.addEventListener("player:change", ({ detail }) => detail.playing && document.getElementById("ear")?.stop());

export function markHeard() {
  document.getElementById("ear")?.mark?.();
}
