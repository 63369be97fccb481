// <settings-form>: shows the fields that matter for what is chosen, adds and removes table rows, keeps a secret unless
// it is replaced, and warns before changes are lost.

import { t } from "./texts.js";

class SettingsForm extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.addEventListener("input", () => this.update());
    this.addEventListener("change", () => this.update());
    this.addEventListener("click", (event) => this.click(event));
    this.form.addEventListener("submit", () => (this.dirty = false));
    this.addEventListener("input", (event) => {
      this.dirty = true;
      this.forgive(event.target.closest(".field"));
    });
    this.leave = (event) => this.dirty && event.preventDefault();
    window.addEventListener("beforeunload", this.leave);
    this.update();
  }

  disconnectedCallback() {
    window.removeEventListener("beforeunload", this.leave);
  }

  // what was wrong with an entry was about the one before
  forgive(field) {
    for (const wrong of field?.querySelectorAll('[aria-invalid="true"]') ?? []) wrong.removeAttribute("aria-invalid");
    for (const error of field?.querySelectorAll(".error") ?? []) error.remove();
  }

  values(name) {
    const inputs = [...this.form.elements].filter((input) => input.name === name);
    return inputs.filter((input) => !["radio", "checkbox"].includes(input.type) || input.checked).map((input) => input.value);
  }

  update() {
    for (const field of this.querySelectorAll("[data-shown-if]")) {
      const wanted = JSON.parse(field.dataset.shownIf);
      const shown = Object.entries(wanted).every(([name, values]) => this.values(name).some((value) => values.includes(value)));
      field.hidden = !shown;
      for (const input of field.querySelectorAll("input, select, textarea")) {
        input.dataset.required ??= String(input.required);
        input.required = shown && input.dataset.required === "true";
      }
    }
    for (const group of this.querySelectorAll(".group")) {
      const fields = [...group.querySelectorAll(":scope .field")];
      group.hidden = fields.length > 0 && fields.every((field) => field.hidden || field.closest("[data-shown-if][hidden]"));
    }
  }

  click(event) {
    const add = event.target.closest("[data-add-row]");
    if (add) this.addRow(add.closest("[data-table]"));
    const remove = event.target.closest("[data-remove-row]");
    if (remove) {
      remove.closest("[data-row]").remove();
      this.dirty = true;
    }
    const replace = event.target.closest("[data-replace-secret]");
    if (replace) this.replaceSecret(replace.closest(".secret"));
  }

  addRow(table) {
    const template = table.querySelector("template");
    const index = Math.max(-1, ...[...table.querySelectorAll("[data-row]")].map((row) => Number(row.dataset.row))) + 1;
    const holder = document.createElement("template");
    holder.innerHTML = template.innerHTML.replaceAll("__row__", String(index));
    table.querySelector("[data-rows]").append(holder.content);
    table.querySelector(`[data-row="${index}"] :is(input, select, textarea)`)?.focus();
  }

  replaceSecret(secret) {
    const input = secret.querySelector("[data-new] :is(input, textarea)");
    secret.querySelector("[data-kept]").hidden = true;
    secret.querySelector("[data-new]").hidden = false;
    input.disabled = false;
    input.focus();
  }
}

customElements.define("settings-form", SettingsForm);

// a verdict is about what was tested: it goes when another test begins
document.addEventListener("htmx:before:request", ({ detail }) => {
  if (detail.ctx.target?.id === "verdict") detail.ctx.target.replaceChildren();
});

// leaving by a link inside the hub
document.addEventListener("htmx:before:request", (event) => {
  const form = document.querySelector("settings-form");
  const { sourceElement, target } = event.detail.ctx;
  if (!form?.dirty || target?.id !== "main" || form.contains(sourceElement)) return;
  if (window.confirm(t("Leave without saving your changes?"))) form.dirty = false;
  else event.preventDefault();
});
