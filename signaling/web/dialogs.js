/** Questions that need an answer before something is done that cannot be undone. */

/** Ask for confirmation and an optional word. Returns the word, possibly empty, or null for "no". */
export function askForWord(dialog) {
  const form = dialog.querySelector("form");
  form.reset();
  dialog.returnValue = "";
  dialog.showModal();
  form.elements.text.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? form.elements.text.value.trim() : null), {
      once: true,
    });
  });
}
