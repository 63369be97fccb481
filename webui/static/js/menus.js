// Menus close when one looks away, dialogs open by data-opens, and what cannot be undone is asked first.

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except && !menu.contains(except)) menu.removeAttribute("open");
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
  const item = event.target.closest("details.menu :is(a, button).item");
  if (item) item.closest("details.menu").removeAttribute("open");
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.open) closeOnBackdrop(event);
});

function closeOnBackdrop(event) {
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top;
  if (!(inside && event.clientY <= box.bottom)) event.target.close();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]") ?? document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.removeAttribute("open");
  menu.querySelector("summary").focus();
  event.preventDefault();
});

// by keyboard; a press inside a menu may focus <main> around it, which is no looking away
document.addEventListener("focusin", (event) => {
  const open = document.querySelector("details.menu[open]");
  if (open && !event.target.contains(open)) closeMenus(event.target);
});

// data-confirm="question" on a form; data-confirm-title and data-confirm-yes say the rest
document.addEventListener("htmx:confirm", (event) => {
  const form = event.detail.ctx.sourceElement.closest?.("[data-confirm]");
  if (!form) return;
  event.preventDefault();
  ask(form.dataset).then((yes) => (yes ? event.detail.issueRequest() : event.detail.dropRequest()));
});

function ask({ confirm, confirmTitle, confirmYes }) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("#confirm-title").textContent = confirmTitle;
  dialog.querySelector("#confirm-text").textContent = confirm;
  const yes = dialog.querySelector('[data-answer="yes"]');
  yes.textContent = confirmYes;
  dialog.showModal();
  dialog.querySelector('[data-answer="no"]').focus();
  return new Promise((resolve) => {
    const answer = (event) => {
      const chosen = event.target.closest?.("[data-answer]");
      if (event.type === "click" && !chosen) return;
      dialog.removeEventListener("click", answer);
      dialog.removeEventListener("close", answer);
      dialog.close();
      resolve(chosen?.dataset.answer === "yes");
    };
    dialog.addEventListener("click", answer);
    dialog.addEventListener("close", answer);
  });
}
