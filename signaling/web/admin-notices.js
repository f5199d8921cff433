/** Short messages at the edge of the page, which go by themselves. */

const SHOWN = 8_000; // milliseconds
const MOST = 4;

/** Say something; `tone` is good, warn or bad. What is bad stays twice as long. */
export function say(text, tone) {
  const list = document.getElementById("notices");
  const item = document.createElement("li");
  item.dataset.tone = tone;
  item.textContent = text;
  list.append(item);
  while (list.children.length > MOST) list.firstElementChild.remove();
  setTimeout(() => item.remove(), tone === "bad" ? 2 * SHOWN : SHOWN);
}
