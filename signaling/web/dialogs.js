/** Questions that need an answer before something is done that cannot be undone. */

/** Ask for confirmation. Returns what was filled in, by the names of the fields, or null for "no". */
export function ask(dialog) {
  const form = dialog.querySelector("form");
  dialog.dispatchEvent(new Event("close")); // of the last time, if the browser has not told of that yet
  form.reset();
  dialog.returnValue = "";
  dialog.showModal();
  form.elements.text.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", function closed() {
      if (dialog.open) return; // that of the last time, late
      dialog.removeEventListener("close", closed);
      resolve(dialog.returnValue === "yes" ? contents(form) : null);
    });
  });
}

function contents(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
}
