/** The page of all rooms: choose one, or a new name. */

import { problemOfName, problemOfRoom, rememberUser, userOfPage } from "./names.js";

const REFRESH = 5_000; // milliseconds between two looks at the list of rooms, while the page is seen

/** Show the page of all rooms. */
export function showLobby() {
  document.getElementById("lobby").hidden = false;
  const form = document.getElementById("lobby-form");
  form.elements.user.value = userOfPage();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  form.elements.room.focus();
  refresh();
}

function submit(form) {
  const [room, user] = [form.elements.room.value.trim(), form.elements.user.value.trim()];
  const problems = { room: problemOfRoom(room), user: problemOfName(user) };
  for (const [name, problem] of Object.entries(problems)) {
    form.elements[name].setAttribute("aria-invalid", String(problem !== ""));
  }
  document.getElementById("lobby-problem").textContent = problems.room || problems.user;
  if (problems.room || problems.user) return form.elements[problems.room ? "room" : "user"].focus();
  rememberUser(user);
  location.assign(addressOf(room));
}

function rememberForm() {
  const user = document.getElementById("lobby-user").value.trim();
  if (!problemOfName(user)) rememberUser(user);
}

/** A room's page, with what else the address says (a token), but for the name, which the form may have changed. */
function addressOf(room) {
  const url = new URL(`./${encodeURIComponent(room)}`, location.href);
  url.search = location.search;
  url.searchParams.delete("user");
  return url.href;
}

async function refresh() {
  const rooms = document.hidden ? undefined : await fetchRooms();
  if (rooms) showRooms(rooms);
  // A server that does not tell us will not tell us later.
  if (rooms !== null) setTimeout(refresh, REFRESH);
}

/** The rooms that somebody is in; null if we may not know; undefined if the server cannot be asked at the moment. */
async function fetchRooms() {
  const token = new URLSearchParams(location.search).get("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    const response = await fetch("./api/rooms", { headers, signal: AbortSignal.timeout(REFRESH) });
    return response.ok ? ((await response.json()).rooms ?? []) : null;
  } catch {
    return undefined; // the list is a convenience: a room can be entered without it
  }
}

function showRooms(rooms) {
  document.getElementById("lobby-rooms").hidden = rooms.length === 0;
  document.getElementById("lobby-list").replaceChildren(...rooms.map(roomItem));
}

function roomItem({ name, users = [] }) {
  const link = document.createElement("a");
  link.href = addressOf(name);
  link.addEventListener("click", rememberForm);
  const [title, count] = [document.createElement("strong"), document.createElement("span")];
  title.textContent = name;
  count.textContent = countWords(users);
  link.append(title, count);
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function countWords(users) {
  const away = users.filter(({ unreachable }) => unreachable).length;
  const people = users.length === 1 ? "1 person" : `${users.length} people`;
  return away ? `${people}, ${away} unreachable` : people;
}
