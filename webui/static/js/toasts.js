// <toast-stack>: short notices at the corner; read aloud politely, gone after a while unless they are bad news.

import { icon, t } from "./texts.js";

const STAYS_MS = 7000;
const MOST = 4;

class ToastStack extends HTMLElement {
  show({ title, text = "", shade = "", icon: symbol = "info", href = "", about = "" }) {
    if (about) this.forget(about); // said again, it is there once
    const toast = document.createElement("div");
    toast.dataset.about = about;
    toast.className = `toast ${shade}`;
    const words = document.createElement("div");
    words.className = "words";
    const heading = document.createElement("strong");
    heading.textContent = title;
    words.append(heading);
    if (text) words.append(text);
    if (href) words.append(" ", this.link(href));
    const close = document.createElement("button");
    close.className = "button quiet small icon-only";
    close.type = "button";
    close.setAttribute("aria-label", t("Close"));
    close.append(icon("x"));
    close.addEventListener("click", () => toast.remove());
    toast.append(icon(symbol), words, close);
    this.append(toast);
    while (this.children.length > MOST) this.firstElementChild.remove();
    if (shade !== "bad") this.leave(toast);
    window.htmx?.process(toast);
  }

  forget(about) {
    for (const toast of this.querySelectorAll(`[data-about="${about}"]`)) toast.remove();
  }

  link(href) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = t("Show");
    return link;
  }

  leave(toast) {
    let timer = setTimeout(() => toast.remove(), STAYS_MS);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("focusin", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => (timer = setTimeout(() => toast.remove(), STAYS_MS / 2)));
  }
}

customElements.define("toast-stack", ToastStack);

export function toast(notice) {
  document.querySelector("toast-stack")?.show(notice);
}

// what a page wants to say after it has come: <template data-toast ...>
export function showPageNotices(root = document) {
  for (const notice of root.querySelectorAll("[data-toast]")) {
    toast({ title: notice.dataset.toast, text: notice.dataset.toastText, shade: notice.dataset.shade ?? "good", icon: notice.dataset.icon ?? "circle-check" });
    notice.remove();
  }
}
