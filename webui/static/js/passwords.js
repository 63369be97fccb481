// Password fields: a look at what was typed, and a meter that judges length first. The hub decides; this only helps.

import { t } from "./texts.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-peek]");
  if (!button) return;
  const input = document.getElementById(button.dataset.peek);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});

const WORDS = () => [t("Too short"), t("Weak"), t("Fair"), t("Good"), t("Strong")];

function strength(password) {
  const distinct = new Set(password.toLowerCase()).size;
  if (password.length < 12) return 0;
  return Math.min(4, 1 + Math.floor((password.length - 12) / 4) + (distinct >= 10 ? 1 : 0));
}

document.addEventListener("input", (event) => {
  const meter = document.getElementById(event.target.dataset?.meter ?? "");
  if (!meter) return;
  const level = event.target.value ? strength(event.target.value) : 0;
  meter.value = event.target.value ? Math.max(level, 0.35) : 0;
  meter.nextElementSibling.textContent = event.target.value ? WORDS()[level] : "";
});
