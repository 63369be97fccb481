// Texts of the scripts, in the viewer's language: t("Copied") and t("Link at {time}", { time }).

const data = JSON.parse(document.getElementById("app-data")?.textContent ?? "{}");

export const page = data;

export function t(text, values = {}) {
  const template = data.texts?.[text] ?? text;
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// how long a recording is: rounded as the server rounds it (halves to the even second), so that all pages agree;
// what would be rounded to nothing, and is something, is less than a second
export function length(seconds) {
  if (seconds > 0 && seconds <= 0.5) return "< 1 s";
  const near = Math.round(seconds);
  return clock(near - seconds === 0.5 && near % 2 ? near - 1 : near);
}

export function announce(text) {
  const line = document.getElementById("announcer");
  if (!line) return;
  line.textContent = "";
  requestAnimationFrame(() => (line.textContent = text));
}

export function icon(name, classes = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${classes}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${data.icons}#${name}`);
  svg.append(use);
  return svg;
}
