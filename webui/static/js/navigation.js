// Moving between pages swaps <main> only, so that the player goes on; focus, title and sidebar follow.

import htmx from "../vendor/htmx.js";
import { announce, t } from "./texts.js";
import { toast } from "./toasts.js";

const main = () => document.getElementById("main");

function markSection() {
  const section = main()?.dataset.section;
  for (const link of document.querySelectorAll(".nav a")) {
    if (link.getAttribute("href") === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function isPage(ctx) {
  return ctx.target === main() && !ctx.swap.startsWith("outerMorph");
}

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.target !== main() || ctx.text.includes('id="main"')) return;
  event.preventDefault(); // not one of our pages: let the browser show whatever it is
  if (ctx.request.method === "GET") location.assign(ctx.request.action);
  else document.dispatchEvent(new CustomEvent("hub:failed"));
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.target !== main()) return;
  markSection();
  if (!isPage(ctx)) return;
  const restored = ctx.request.headers["HX-History-Restore-Request"];
  const wrong = main().querySelector('[aria-invalid="true"]');
  if (!restored && !wrong) window.scrollTo(0, 0);
  requestAnimationFrame(() => {
    if (wrong) {
      wrong.focus();
      wrong.closest(".field")?.scrollIntoView({ block: "nearest" }); // what is wrong with it stands below it
    } else if (!main().contains(document.activeElement)) (main().querySelector("[autofocus], .note.bad a, h1[tabindex]") ?? main()).focus({ preventScroll: true });
    announce(document.title);
  });
});

function failed() {
  toast({ title: t("The hub does not answer"), text: t("Check the connection and try again."), shade: "bad", icon: "circle-alert", about: "no-answer" });
}

document.addEventListener("hub:back", () => document.querySelector("toast-stack")?.forget("no-answer"));

document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.request) failed();
});
document.addEventListener("hub:failed", failed);

document.addEventListener("htmx:before:request", (event) => {
  if (event.detail.ctx.target === main()) document.documentElement.dataset.busy = "";
});
document.addEventListener("htmx:finally:request", () => delete document.documentElement.dataset.busy);

// submitting by change: <form data-submits="change">, without a click on its button
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches('[data-submits="change"]') && !event.target.matches("[data-stays]")) form.requestSubmit();
});

export function go(path) {
  return htmx.ajax("GET", path, { source: document.body, target: "#main", select: "#main", swap: "outerSync show:none", push: "true" });
}
