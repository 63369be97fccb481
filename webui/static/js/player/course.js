// The lane under the waveform: what happened in the course of the recording, as marks and shaded stretches.

import { clock, icon, t } from "../texts.js";

const MARK_PX = 24;
const APART_PX = 26;
const LINES = 6;
const STRETCHES = new Set(["pause", "hold", "gap"]);
const WEIGHTIEST = ["pause", "gap", "hold", "note", "leave", "join", "key"];

const told = ({ at_s, label }) => `${clock(at_s)} ${label}`;

// events that would lie on one another are one mark
function together(events, duration, width) {
  const groups = [];
  for (const event of events) {
    const wanted = (event.at_s / duration) * width - MARK_PX / 2;
    const left = Math.max(0, Math.min(wanted, width - MARK_PX));
    if (groups.length && left - groups.at(-1).left < APART_PX) groups.at(-1).events.push(event);
    else groups.push({ left, events: [event] });
  }
  return groups;
}

export class Course {
  constructor(row, onSeek) {
    this.row = row;
    this.view = row.querySelector(".course-view");
    this.strip = row.querySelector(".course-strip");
    this.bubble = row.querySelector(".course-bubble");
    this.onSeek = onSeek;
    this.strip.addEventListener("click", (event) => this.click(event));
    this.strip.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["pointerover", "focusin"]) this.strip.addEventListener(name, (event) => this.tell(event.target.closest(".moment")));
    for (const name of ["pointerleave", "focusout"]) this.strip.addEventListener(name, () => this.tell(null));
    this.view.addEventListener("scroll", () => (this.view.scrollLeft = 0)); // focus would scroll it away from the waveform
  }

  show(events, duration) {
    this.events = duration ? events : [];
    this.duration = duration;
    this.row.hidden = this.events.length === 0;
    this.tell(null);
    this.lay(this.view.clientWidth, 0);
  }

  // width and scroll: of the waveform above, which may be wider than its box
  lay(width, scroll) {
    if (this.row.hidden) return;
    this.strip.style.transform = `translateX(${-scroll}px)`;
    if (width === this.width && this.events === this.laid) return;
    this.width = width;
    this.laid = this.events;
    this.strip.style.width = `${width}px`;
    const at = this.marks().indexOf(document.activeElement);
    this.groups = together(this.events, this.duration, width);
    this.strip.replaceChildren(...this.stretches(), ...this.groups.map((group) => this.mark(group)));
    this.take(this.marks()[Math.max(at, 0)], at >= 0);
  }

  stretches() {
    const share = (time) => `${Math.min((time / this.duration) * 100, 100)}%`;
    return this.events
      .filter(({ kind, until_s: until }) => until !== null && STRETCHES.has(kind))
      .map(({ kind, at_s: at, until_s: until }) => {
        const stretch = document.createElement("i");
        stretch.className = `stretch ${kind}`;
        stretch.style.left = share(at);
        stretch.style.width = share(until - at);
        return stretch;
      });
  }

  mark({ left, events }) {
    const mark = document.createElement("button");
    const kinds = new Set(events.map(({ kind }) => kind));
    const first = events[0];
    mark.type = "button";
    mark.tabIndex = -1;
    mark.className = `moment ${WEIGHTIEST.find((kind) => kinds.has(kind))}`;
    mark.style.left = `${left}px`;
    const count = t("{count} events from {time}", { count: events.length, time: clock(first.at_s) });
    mark.setAttribute("aria-label", events.length === 1 ? told(first) : `${count}: ${this.lines(events).join(", ")}`);
    mark.append(kinds.size === 1 ? icon(first.icon, "small") : String(events.length));
    return mark;
  }

  lines(events) {
    const more = events.length - LINES;
    const shown = events.slice(0, more > 1 ? LINES : undefined).map(told);
    return more > 1 ? [...shown, t("and {count} more", { count: more })] : shown;
  }

  marks() {
    return [...this.strip.querySelectorAll(".moment")];
  }

  of(mark) {
    return this.groups[this.marks().indexOf(mark)];
  }

  // one mark at a time is in the order of tabs; arrows go from one to the next
  take(mark, focused) {
    for (const one of this.marks()) one.tabIndex = one === mark ? 0 : -1;
    if (focused) mark?.focus({ preventScroll: true });
  }

  click(event) {
    const mark = event.target.closest(".moment");
    if (!mark) return;
    this.take(mark, false);
    this.onSeek(this.of(mark).events[0].at_s);
  }

  key(event) {
    const marks = this.marks();
    const at = marks.indexOf(event.target);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: marks.length - 1 }[event.key];
    if (event.key === "Escape") this.tell(null);
    else if (next === undefined) return;
    else if (marks[next]) this.take(marks[next], true);
    event.preventDefault();
  }

  tell(mark) {
    this.bubble.hidden = !mark;
    if (!mark) return;
    this.bubble.replaceChildren(
      ...this.lines(this.of(mark).events).map((line) => {
        const text = document.createElement("bdi");
        text.textContent = line;
        return text;
      }),
    );
    const { left } = mark.getBoundingClientRect();
    const box = this.row.getBoundingClientRect();
    const wanted = left - box.left + MARK_PX / 2 - this.bubble.offsetWidth / 2;
    this.bubble.style.left = `${Math.max(0, Math.min(wanted, box.width - this.bubble.offsetWidth))}px`;
  }
}

// times on the page of a recording: the player goes there, whatever it plays now
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-moment]");
  if (button) document.getElementById("dock").playFrom(button.dataset.recording, Number(button.dataset.moment));
});
