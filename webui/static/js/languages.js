// The language is chosen in the menu, where the account keeps it, or before sign-in, where a cookie does.

document.addEventListener("change", ({ target }) => {
  const form = target.closest("[data-language-form]");
  if (form) {
    form.elements.next.value = location.pathname + location.search;
    form.requestSubmit();
  } else if (target.matches("[data-language-here]")) {
    document.cookie = `language=${encodeURIComponent(target.value)}; path=/; max-age=31536000; samesite=lax`;
    location.assign(target.dataset.languageHere);
  }
});
