/** The list of events: what happened, when, to whom, and how it is known. */

import { eventWords } from "./words.js";

const MOST = 200; // entries that are kept
const WIDE = matchMedia("(min-width: 1100px)"); // there is room for the list beside the stage
const REMEMBERED = "exeunt.journal"; // in sessionStorage: "open" or "closed"

export class Journal {
  #panel = document.getElementById("journal");
  #list = document.getElementById("journal-list");
  #toggle = document.getElementById("journal-toggle");
  #announcer = document.getElementById("announcer");

  constructor() {
    this.#toggle.addEventListener("click", () => this.#remember(this.#panel.hidden));
    document.getElementById("journal-close").addEventListener("click", () => {
      this.#remember(false);
      this.#toggle.focus();
    });
    const remembered = sessionStorage.getItem(REMEMBERED);
    this.#show(remembered === null ? WIDE.matches : remembered === "open" && WIDE.matches);
  }

  /** Write down an event, newest on top. */
  add(event) {
    const words = eventWords(event);
    if (!words) return;
    this.#list.prepend(entry(words));
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild.remove();
    this.#announcer.textContent = words.title;
  }

  #remember(isOpen) {
    sessionStorage.setItem(REMEMBERED, isOpen ? "open" : "closed");
    this.#show(isOpen);
  }

  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
  }
}

function entry({ title, detail, tone }) {
  const item = document.createElement("li");
  item.dataset.tone = tone;
  const now = new Date();
  const time = part("time", now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }));
  time.dateTime = now.toISOString();
  item.append(time, part("strong", title));
  if (detail) item.append(part("span", detail));
  return item;
}

function part(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
