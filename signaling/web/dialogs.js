/** Questions that need an answer before something is done that cannot be undone. */

/** Ask for confirmation. Returns what was filled in, by the names of the fields, or null for "no". */
export function ask(dialog) {
  const form = dialog.querySelector("form");
  form.reset();
  dialog.returnValue = "";
  dialog.showModal();
  form.elements.text.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? contents(form) : null), { once: true });
  });
}

function contents(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
}
