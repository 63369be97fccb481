// Rules are moved by their number: pressed, it takes its row along; Escape puts it back. The arrows do the same by key.

let held = null;

function rowsOf(list) {
  return [...list.querySelectorAll(".rule-row[data-move]")];
}

function number(list) {
  for (const [place, row] of rowsOf(list).entries()) row.querySelector(".place").textContent = place + 1;
}

function letGo() {
  held.row.classList.remove("held");
  held = null;
}

function putBack() {
  held.list.insertBefore(held.row, held.next);
  number(held.list);
  letGo();
}

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.(".rule-row[data-move] > .place");
  if (!handle || event.button !== 0) return;
  const row = handle.parentElement;
  held = { row, list: row.parentElement, next: row.nextElementSibling, pointer: event.pointerId };
  held.from = rowsOf(held.list).indexOf(row);
  row.classList.add("held");
  handle.setPointerCapture(event.pointerId);
  event.preventDefault();
});

document.addEventListener("pointermove", (event) => {
  if (!held || event.pointerId !== held.pointer) return;
  const others = rowsOf(held.list).filter((row) => row !== held.row);
  const below = others.find((row) => event.clientY < row.getBoundingClientRect().top + row.offsetHeight / 2);
  const before = below ?? others.at(-1)?.nextElementSibling ?? null;
  if (before === held.row || before === held.row.nextElementSibling) return;
  held.list.insertBefore(held.row, before);
  number(held.list);
});

document.addEventListener("pointerup", (event) => {
  if (!held || event.pointerId !== held.pointer) return;
  const { row, list, from } = held;
  const to = rowsOf(list).indexOf(row);
  letGo();
  if (to === from) return;
  const form = row.querySelector("form.move-to");
  form.elements.to.value = to;
  form.requestSubmit();
});

document.addEventListener("pointercancel", (event) => {
  if (held && event.pointerId === held.pointer) putBack();
});

document.addEventListener("keydown", (event) => {
  if (held && event.key === "Escape") putBack();
});
