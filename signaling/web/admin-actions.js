/** What an operator can do: each asks first, then says what really happened. */

import { Refused, call, fill } from "./admin-api.js";
import { say } from "./admin-notices.js";

const ROOM = "api/rooms/{room}";
const USER = "api/rooms/{room}/users/{user}";

const ACTIONS = {
  async kick({ room, user }, { text, banFor }) {
    const { kicked } = await call("POST", fill(`${ROOM}/kick`, { room }), { user, ...given({ text }), ...(banFor && { banFor: Number(banFor) }) });
    return [`${user} is out of ${room}`, without(kicked[0], user)];
  },
  async dismiss({ room }, { text }) {
    return [`Room ${room} is closed`, await call("POST", fill(`${ROOM}/dismiss`, { room }), given({ text }))];
  },
  async mute({ room, user }, { kind, text }) {
    const what = kind === "audio" ? "sound" : "picture";
    return [`${user} was asked to send no ${what}`, await call("POST", fill(`${USER}/mute`, { room, user }), { kind, ...given({ text }) })];
  },
  async message({ room, user }, { topic, data }) {
    return ["The message was sent", await call("POST", fill(`${ROOM}/messages`, { room }), { topic, data, ...given({ to: user }) })];
  },
  async move({ room, user }, { to }) {
    return [`${user} is in ${to} now`, await call("POST", fill(`${USER}/move`, { room, user }), { to })];
  },
  async create(_, { room, capacity, minutes }) {
    const settings = { ...(capacity && { capacity: Number(capacity) }), ...(minutes && { maxAge: Number(minutes) * 60 }) };
    await call("PUT", fill(ROOM, { room }), settings);
    return [`Room ${room} is open`, null];
  },
};

/** Ask, and do it if the answer is yes. */
export async function act(name, place) {
  const words = await ask(document.getElementById(`${name}-dialog`), place);
  if (words === null) return;
  try {
    const [done, reached] = await ACTIONS[name](place, words);
    if (reached) report(done, reached);
    else say(`${done}.`, "good");
  } catch (error) {
    say(error instanceof Refused ? error.message : "The server does not answer. It is not known whether it was done.", "bad");
  }
}

function report(done, { told, unacknowledged }) {
  const whom = told.length ? `; told: ${names(told)}` : "; nobody else could be told";
  const silent = unacknowledged.length ? `. Not acknowledged in time by ${names(unacknowledged)}` : "";
  say(`${done}${whom}${silent}.`, silent ? "warn" : "good");
}

function names(users) {
  const most = users.slice(0, 5).join(", ");
  return users.length > 5 ? `${most} and ${users.length - 5} more` : most;
}

/** Show a dialog about a place. What was filled in, by the names of the fields; null for "no". */
function ask(dialog, { room = "", user = "", count = 0 }) {
  const form = dialog.querySelector("form");
  dialog.dispatchEvent(new Event("close")); // of the last time, if the browser has not told of that yet
  form.reset();
  const slots = { room, user, whom: user || `everybody in ${room}`, count: count === 1 ? "1 user" : `${count} users` };
  for (const slot of dialog.querySelectorAll("[data-slot]")) slot.textContent = slots[slot.dataset.slot];
  dialog.querySelector(".cancel").onclick = () => dialog.close();
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("input, select, textarea").focus();
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

/** What is not empty. */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
}

/** Who was told, but for the one whom it was done to. */
function without({ told, unacknowledged }, user) {
  return { told: told.filter((name) => name !== user), unacknowledged: unacknowledged.filter((name) => name !== user) };
}
