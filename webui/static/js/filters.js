// The filter form: addresses stay short, presets win over dates, and a cleared search box searches at once.

document.addEventListener("htmx:config:request", (event) => {
  const { request, sourceElement } = event.detail.ctx;
  if (!sourceElement.matches?.("#filters, [data-short-address]") || !(request.body instanceof FormData)) return;
  const { name: pressed, value } = request.submitter ?? {};
  if (pressed) request.body.set(pressed, value);
  if (pressed === "range" && value) for (const date of ["from", "to"]) request.body.delete(date);
  for (const name of new Set(request.body.keys())) {
    const values = request.body.getAll(name).filter((value) => value !== "");
    request.body.delete(name);
    for (const value of values) request.body.append(name, value);
  }
});

document.addEventListener("search", (event) => {
  if (event.target.matches("[data-search]") && event.target.value === "") event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  for (const menu of event.target.querySelectorAll?.("details.filter[open]") ?? []) {
    if (event.submitter) menu.removeAttribute("open");
  }
});
