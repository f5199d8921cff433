/** The rooms and who is in them, as the page shows them: what is still the same is left alone, so that focus stays. */

const MOST_ROOMS = 100; // on the page at once
const MOST_USERS = 25; // of a room, until all are asked for

/** The list of rooms. `act(name, place)` is called for every button: place is {room, user?, count}. */
export class Board {
  #list = document.getElementById("rooms");
  #sections = new Map(); // by room
  #rooms = new Map(); // by name
  #whole = new Set(); // names of rooms of which all users are shown
  #act;

  constructor(act) {
    this.#act = act;
    document.getElementById("search").addEventListener("input", () => this.show());
  }

  get rooms() {
    return [...this.#rooms.values()];
  }

  /** Take in an event of the server. */
  hear(event, content) {
    if (event === "rooms") this.#rooms = new Map(content.rooms.map((room) => [room.name, room]));
    else if (event === "room") this.#rooms.set(content.name, content);
    else if (event === "gone") this.#rooms.delete(content.name);
    else return;
    this.show();
  }

  /** Bring the page up to date. */
  show() {
    const wanted = document.getElementById("search").value.trim().toLowerCase();
    const found = this.rooms.map((room) => narrow(room, wanted)).filter(Boolean).sort(byName);
    const shown = found.slice(0, MOST_ROOMS);
    this.#remove(new Set(shown.map(({ name }) => name)));
    shown.forEach((room, index) => this.#showRoom(room, index));
    const words = found.length > shown.length ? `the first ${shown.length} of ${found.length} rooms` : wanted ? count(found.length, "room") : "";
    setText(document.getElementById("found"), words);
    this.#showEmpty(found.length, wanted);
  }

  #showEmpty(found, wanted) {
    document.getElementById("empty").hidden = found > 0;
    setText(document.getElementById("empty-title"), wanted ? "Nothing found." : "The house is empty.");
    setText(document.getElementById("empty-text"), wanted ? "No room or user has that in its name." : "Rooms appear here as soon as somebody is in them.");
  }

  #remove(names) {
    for (const [name, section] of this.#sections) {
      if (names.has(name)) continue;
      leave(section, document.getElementById("search"));
      section.remove();
      this.#sections.delete(name);
    }
  }

  #showRoom(room, index) {
    const section = this.#sections.get(room.name) ?? this.#newRoom(room.name);
    if (this.#list.children[index] !== section) this.#list.insertBefore(section, this.#list.children[index] ?? null);
    const away = room.users.filter((user) => user.unreachable).length;
    const people = count(room.users.length, "user");
    setText(section.querySelector(".room-count"), away ? `${people}, ${away} unreachable` : people);
    section.querySelector(".nobody").hidden = room.users.length > 0;
    section.querySelector("table").hidden = room.users.length === 0;
    const users = this.#whole.has(room.name) ? room.users : room.users.slice(0, MOST_USERS);
    showUsers(section, users, (user) => this.#newUser(room.name, user));
    const more = section.querySelector(".more");
    more.hidden = users.length === room.users.length;
    setText(more, `Show all ${room.users.length} users`);
  }

  #newRoom(name) {
    const section = document.getElementById("room-template").content.firstElementChild.cloneNode(true);
    section.dataset.room = name;
    const title = section.querySelector(".room-name");
    title.textContent = name;
    section.setAttribute("aria-label", `Room ${name}`);
    for (const action of ["message", "dismiss"]) {
      const button = section.querySelector(`header .${action}`);
      button.setAttribute("aria-label", `${button.textContent} room ${name}`);
      button.addEventListener("click", () => this.#act(action, { room: name, count: this.#rooms.get(name)?.users.length ?? 0 }));
    }
    section.querySelector(".more").addEventListener("click", () => {
      this.#whole.add(name);
      this.show();
      title.focus();
    });
    this.#sections.set(name, section);
    return section;
  }

  #newUser(room, user) {
    const row = document.getElementById("user-template").content.firstElementChild.cloneNode(true);
    row.dataset.session = user.session;
    row.querySelector(".user").textContent = user.user;
    for (const button of row.querySelectorAll("button")) {
      const action = ["mute", "message", "move", "kick"].find((name) => button.classList.contains(name));
      button.setAttribute("aria-label", `${button.textContent} ${user.user} in ${room}`);
      button.addEventListener("click", () => this.#act(action, { room, user: user.user }));
    }
    const since = row.querySelector(".since");
    since.dateTime = new Date(user.since * 1000).toISOString();
    since.title = new Date(user.since * 1000).toLocaleString();
    since.textContent = sinceWords(user.since);
    return row;
  }
}

function showUsers(section, users, newUser) {
  const body = section.querySelector("tbody");
  const rows = new Map([...body.children].map((row) => [row.dataset.session, row]));
  const sessions = new Set(users.map((user) => user.session));
  for (const [session, row] of rows) {
    if (sessions.has(session)) continue;
    leave(row, section.querySelector(".room-name"));
    row.remove();
  }
  users.forEach((user, index) => {
    const row = rows.get(user.session) ?? newUser(user);
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
    const presence = user.unreachable ? "unreachable" : "here";
    row.dataset.presence = presence;
    const pill = row.querySelector(".presence");
    pill.dataset.tone = user.unreachable ? "warn" : "good";
    setText(pill, presence);
    showExtra(row.querySelector(".extra"), user.extra);
  });
}

function showExtra(cell, extra) {
  const text = Object.keys(extra).length ? JSON.stringify(extra) : "";
  if ((cell.textContent ?? "") === text) return;
  const words = document.createElement("span");
  words.textContent = text;
  cell.title = text;
  cell.replaceChildren(...(text ? [words] : []));
}

/** Take the focus along, if it is in what is about to go. */
function leave(element, to) {
  if (element.contains(document.activeElement)) to.focus();
}

/** A room with those of its users that are wanted: all, if the room's own name is; null if nothing is. */
function narrow(room, wanted) {
  if (!wanted || room.name.toLowerCase().includes(wanted)) return room;
  const users = room.users.filter(({ user }) => user.toLowerCase().includes(wanted));
  return users.length ? { ...room, users } : null;
}

function byName(one, other) {
  return one.name < other.name ? -1 : 1;
}

function sinceWords(since) {
  const when = new Date(since * 1000);
  const time = when.toLocaleTimeString("en-GB");
  return when.toDateString() === new Date().toDateString() ? time : `${when.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time.slice(0, 5)}`;
}

function count(number, noun) {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
