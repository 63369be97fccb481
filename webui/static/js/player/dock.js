// <rec-player>: the player at the bottom. It lives outside <main>, so it goes on while one moves between pages.

import { announce, clock, icon, length, t } from "../texts.js";
import { copy } from "../clipboard.js";
import { Course } from "./course.js";
import { Lanes } from "./lanes.js";
import { fetchPeaks } from "./peaks.js";
import { forgetOnSystem, showOnSystem, showPosition } from "./session.js";
import { silences, skipFrom } from "./silence.js";
import { Waveform } from "./waveform.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];
const KEPT = "player";

class RecPlayer extends HTMLElement {
  connectedCallback() {
    if (this.audio) return;
    this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.audio = new Audio();
    this.audio.preload = "none";
    this.queue = [];
    this.kept = { volume: 1, speed: 1, silence: false, folded: false, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
    this.lanes = new Lanes(this.parts.lanes, this.audio, (muted) => this.wave?.mute(muted));
    this.course = new Course(this.parts.course, (time) => this.seek(time));
    this.listenToAudio();
    this.listenToControls();
    this.applyKept();
    new ResizeObserver(() => this.measure()).observe(this);
  }

  listenToAudio() {
    const on = (names, act) => names.split(" ").forEach((name) => this.audio.addEventListener(name, act));
    on("play pause ended emptied", () => this.showPlaying());
    on("timeupdate seeking", () => this.showTime());
    on("waiting stalled", () => (this.dataset.waiting = ""));
    on("playing canplay error ended", () => delete this.dataset.waiting);
    on("ended", () => this.dispatch("player:ended"));
    on("error", () => this.explainFailure());
    on("loadedmetadata", () => this.grantWish());
    on("ratechange durationchange", () => showPosition(this.audio));
  }

  listenToControls() {
    this.addEventListener("click", (event) => {
      const act = event.target.closest("[data-do]")?.dataset.do;
      if (act) this.acts[act]?.();
    });
    this.parts.speed.addEventListener("change", () => this.setSpeed(Number(this.parts.speed.value)));
    this.parts.volume.addEventListener("input", () => this.setVolume(Number(this.parts.volume.value)));
    this.parts.wave.addEventListener("keydown", (event) => this.sliderKey(event));
    document.addEventListener("player:load", ({ detail }) => this.load(detail.id, detail));
  }

  acts = {
    toggle: () => this.toggle(),
    back: () => this.jump(-5),
    forward: () => this.jump(5),
    previous: () => this.step(-1),
    next: () => this.step(1),
    silence: () => this.toggleSilence(),
    mute: () => this.toggleMute(),
    "zoom-in": () => this.zoom(1),
    "zoom-out": () => this.zoom(-1),
    "copy-link": () => this.copyLink(),
    fold: () => this.fold(!this.kept.folded),
    close: () => this.close(),
    retry: () => this.load(this.recordingId, { at: this.audio.currentTime, play: true, queue: this.queue }),
  };

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  // at: seconds to start from. play: at once, which browsers allow after a click or key only.
  async load(id, { at = 0, play = true, queue = null } = {}) {
    if (queue) this.queue = queue;
    this.release();
    this.recordingId = id;
    this.hidden = false;
    this.parts.who.textContent = t("Loading…");
    this.parts.who.href = `/r/${id}`;
    this.showState("hourglass", t("Loading…"));
    this.dispatch("player:change");
    const loading = (this.loading = new AbortController());
    try {
      const answer = await fetch(`/r/${id}/player`, { headers: { Accept: "application/json" }, signal: loading.signal });
      if (answer.status === 401) return location.reload();
      const recording = await answer.json();
      await this.show(recording, at, play, loading.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.showState("circle-alert", t("The hub does not answer"), "bad", true);
    }
  }

  async show(recording, start, play, signal) {
    const at = Math.min(start, recording.duration_s || start);
    this.recording = recording;
    this.parts.who.textContent = recording.title;
    this.parts.when.textContent = [recording.when, recording.device].filter(Boolean).join(" · ");
    this.parts.length.textContent = length(recording.duration_s ?? 0);
    this.parts.position.textContent = clock(at);
    if (recording.state !== "ready") return this.showState(recording.icon, recording.message, recording.shade);
    this.audio.src = recording.media;
    if (at) this.moveTo(at);
    if (play) this.play();
    showOnSystem(this, recording);
    await this.draw(recording, signal);
  }

  async draw(recording, signal) {
    const peaks = await fetchPeaks(recording.peaks, recording.lanes.length, signal);
    signal.throwIfAborted();
    if (this.failed) return;
    this.showState();
    this.lanes.show(recording.lanes);
    this.course.show(recording.events, recording.duration_s);
    this.parts.wave.ariaValueMax = Math.round(recording.duration_s);
    if (!peaks) return this.classList.add("no-wave");
    this.classList.remove("no-wave");
    this.spans = silences(peaks.raw, recording.duration_s);
    const about = {
      duration: recording.duration_s,
      peaks,
      lanes: recording.lanes,
      onEarlySeek: (time) => this.seek(time),
      onLayout: (width, scroll) => this.course.lay(width, scroll),
    };
    this.wave = new Waveform(this.parts["wave-box"], this.audio, about);
    this.setSpeed(this.kept.speed);
    this.showTime();
  }

  // until the audio is there a time is only a wish, and not every browser remembers it
  moveTo(time) {
    this.wish = this.audio.readyState === HTMLMediaElement.HAVE_NOTHING ? time : null;
    this.audio.currentTime = time;
  }

  grantWish() {
    if (this.wish !== null) this.audio.currentTime = this.wish;
    this.wish = null;
  }

  release() {
    this.loading?.abort();
    this.wave?.destroy();
    this.wave = null;
    this.spans = [];
    this.wish = null;
    this.failed = false;
    this.recording = null;
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }

  close() {
    this.release();
    this.recordingId = null;
    this.hidden = true;
    forgetOnSystem();
    this.dispatch("player:change");
  }

  // playing ------------------------------------------------------------------------------------------------------

  play() {
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") announce(t("Press play to listen"));
    });
  }

  playFrom(id, time) {
    if (id !== this.recordingId || this.recording?.state !== "ready") return this.load(id, { at: time, queue: this.queue });
    this.seek(time);
    this.play();
  }

  pause() {
    this.audio.pause();
  }

  toggle() {
    if (this.recording?.state !== "ready") return;
    if (this.playing) this.pause();
    else this.play();
  }

  seek(time) {
    this.moveTo(Math.min(Math.max(time, 0), this.recording?.duration_s ?? 0));
    this.showTime();
  }

  jump(seconds) {
    this.seek(this.audio.currentTime + seconds);
  }

  step(by) {
    const next = this.queue[this.queue.indexOf(this.recordingId) + by];
    if (this.queue.includes(this.recordingId) && next) this.load(next);
    else announce(by > 0 ? t("This is the last recording of the list") : t("This is the first recording of the list"));
  }

  sliderKey(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -30, PageUp: 30 };
    if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek((this.recording?.duration_s ?? 0) - 0.2);
    else if (steps[event.key]) this.jump(steps[event.key] * (event.shiftKey ? 5 : 1));
    else return;
    event.preventDefault();
  }

  // what is kept for the next recording --------------------------------------------------------------------------

  keep(values) {
    Object.assign(this.kept, values);
    localStorage.setItem(KEPT, JSON.stringify(this.kept));
  }

  applyKept() {
    this.setVolume(this.kept.volume);
    this.setSpeed(this.kept.speed);
    this.parts.silence.setAttribute("aria-pressed", String(this.kept.silence));
    this.fold(this.kept.folded);
  }

  setSpeed(speed) {
    this.keep({ speed });
    this.audio.preservesPitch = true;
    this.audio.defaultPlaybackRate = speed;
    this.audio.playbackRate = speed;
    this.parts.speed.value = String(speed);
  }

  changeSpeed(by) {
    const at = SPEEDS.indexOf(this.kept.speed) + by;
    if (SPEEDS[at]) this.setSpeed(SPEEDS[at]);
    announce(t("Speed {speed}", { speed: this.kept.speed }));
  }

  setVolume(volume) {
    this.keep({ volume });
    this.audio.volume = volume;
    this.audio.muted = false;
    this.parts.volume.value = String(volume);
    this.showMuted();
  }

  toggleMute() {
    this.audio.muted = !this.audio.muted;
    this.showMuted();
  }

  showMuted() {
    const silent = this.audio.muted || this.audio.volume === 0;
    this.parts.mute.setAttribute("aria-pressed", String(silent));
  }

  toggleSilence() {
    this.keep({ silence: !this.kept.silence });
    this.parts.silence.setAttribute("aria-pressed", String(this.kept.silence));
    announce(this.kept.silence ? t("Silence is skipped") : t("Silence is played"));
  }

  fold(folded) {
    this.keep({ folded });
    this.classList.toggle("folded", folded);
    this.parts.fold.setAttribute("aria-expanded", String(!folded));
  }

  zoom(steps) {
    this.wave?.zoom(steps);
  }

  async copyLink() {
    const time = Math.floor(this.audio.currentTime);
    const copied = await copy(`${location.origin}/r/${this.recordingId}${time ? `?t=${time}` : ""}`);
    if (copied) announce(t("Link to {time} copied", { time: clock(time) }));
    this.parts["copy-label"].textContent = copied ? t("Copied {time}", { time: clock(time) }) : t("Copy link");
    setTimeout(() => (this.parts["copy-label"].textContent = t("Copy link")), 2200);
  }

  // showing ------------------------------------------------------------------------------------------------------

  showPlaying() {
    this.classList.toggle("sounding", this.playing);
    this.parts.toggle.setAttribute("aria-label", this.playing ? t("Pause") : t("Play"));
    if ("mediaSession" in navigator) navigator.mediaSession.playbackState = this.playing ? "playing" : "paused";
    this.dispatch("player:change");
  }

  showTime() {
    const time = this.audio.currentTime;
    if (this.kept.silence && this.playing) {
      const after = skipFrom(this.spans, time);
      if (after !== null) this.audio.currentTime = after;
    }
    this.parts.position.textContent = clock(time);
    this.wave?.show(time);
    this.parts.wave.ariaValueNow = Math.floor(time);
    this.parts.wave.ariaValueText = t("{time} of {length}", { time: clock(time), length: length(this.recording?.duration_s ?? 0) });
  }

  showState(symbol = "", message = "", shade = "", canRetry = false) {
    const { state } = this.parts;
    state.hidden = !symbol;
    this.parts["wave-row"].hidden = Boolean(symbol);
    this.classList.toggle("stopped", Boolean(symbol) && shade !== "");
    state.className = `dock-state ${shade}`;
    if (!symbol) return;
    const text = document.createElement("span");
    text.textContent = message;
    state.replaceChildren(icon(symbol), text);
    if (canRetry) state.append(this.retryButton());
  }

  retryButton() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.dataset.do = "retry";
    button.textContent = t("Try again");
    return button;
  }

  // the audio element only knows that it failed: the server says why
  async explainFailure() {
    if (!this.audio.getAttribute("src")) return;
    this.failed = true;
    const answer = await fetch(`/r/${this.recordingId}/player?why=1`, { headers: { Accept: "application/json" } }).catch(() => null);
    const { state, icon: symbol, message, shade } = (answer?.ok && (await answer.json())) || {};
    if (state && state !== "ready") this.showState(symbol, message, shade, true);
    else this.showState("circle-alert", t("The audio could not be loaded"), "bad", true);
  }

  dispatch(name) {
    document.dispatchEvent(new CustomEvent(name, { detail: { id: this.recordingId, playing: this.playing } }));
  }

  measure() {
    document.documentElement.style.setProperty("--dock-height", this.hidden ? "0px" : `${this.offsetHeight}px`);
  }
}

customElements.define("rec-player", RecPlayer);
