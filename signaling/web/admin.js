/** The operator's page: who is in which room, live, and what can be done about it. */

import { act } from "./admin-actions.js";
import { Refused, keepKey, keptKey, readMetrics, watch } from "./admin-api.js";
import { Board } from "./admin-board.js";
import { countRooms, readFigures, showFigures } from "./admin-figures.js";

const SILENCE = 15_000; // milliseconds without a sign of life after which the connection counts as lost
const METRICS = 5_000; // milliseconds between two looks at the metrics
const RETRIES = [500, 1_000, 2_000, 5_000]; // milliseconds before we try again; the last for ever

const board = new Board(act);
let measured = []; // figures of the metrics
let metrics; // the timer of the next look at them

/** Watch until the server does not let us any more. */
async function run() {
  for (let attempt = 0; ; attempt += 1) {
    const end = new AbortController();
    let silence;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(() => end.abort(), SILENCE);
    };
    alive();
    let words = "not connected, trying again";
    try {
      await watch({
        signal: end.signal,
        opened() {
          attempt = 0;
          showBoard();
        },
        heard(event, content) {
          alive();
          board.hear(event, content);
          show();
        },
      });
    } catch (error) {
      if (error instanceof Refused && [401, 403].includes(error.status)) return showSignIn(error);
      if (error instanceof Refused && error.status === 429) words = "too many wrong keys from here, trying again";
    } finally {
      clearTimeout(silence);
    }
    showLine("bad", words);
    await new Promise((next) => setTimeout(next, RETRIES[Math.min(attempt, RETRIES.length - 1)]));
  }
}

function showBoard() {
  document.getElementById("sign-in").hidden = true;
  document.getElementById("board").hidden = false;
  document.getElementById("sign-out").hidden = !keptKey();
  showLine("good", "live");
  clearTimeout(metrics);
  measure();
}

function show() {
  showFigures(document.getElementById("figures"), [...countRooms(board.rooms), ...measured]);
}

async function measure() {
  const text = document.hidden ? "" : await readMetrics();
  if (text === null) return; // this server does not tell us, and will not later
  if (text) measured = readFigures(text);
  show();
  metrics = setTimeout(measure, METRICS);
}

function showLine(tone, words) {
  const line = document.getElementById("line");
  line.hidden = false;
  line.dataset.tone = tone;
  if (line.textContent !== words) line.textContent = words;
}

/** Ask for a key. The first time nothing is wrong: it is only not known yet whether one is needed. */
function showSignIn(error) {
  const wasGiven = keptKey() !== "";
  keepKey("");
  clearTimeout(metrics);
  document.getElementById("board").hidden = true;
  document.getElementById("sign-out").hidden = true;
  document.getElementById("line").hidden = true;
  document.getElementById("sign-in").hidden = false;
  document.getElementById("sign-in-problem").textContent = wasGiven || error.status === 403 ? sentence(error.message) : "";
  const field = document.getElementById("key");
  field.setAttribute("aria-invalid", String(wasGiven));
  field.focus();
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

document.getElementById("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("key");
  keepKey(field.value.trim());
  field.value = "";
  run();
});
document.getElementById("sign-out").addEventListener("click", () => {
  keepKey("");
  location.reload();
});
document.getElementById("create").addEventListener("click", () => act("create", {}));

run();
