/** The names of rooms and users, and where the page finds them. */

const PATTERN = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
const RESERVED = new Set(["admin", "api", "healthz", "metrics", "readyz", "socket.io", "whep", "whip", "ws"]);
const REMEMBERED = "exeunt.user"; // in sessionStorage
const LETTERS = "abcdefghjkmnpqrstuvwxyz";

/** What is wrong with a name, as a sentence; an empty string if it is fine. */
export function problemOfName(name) {
  if (PATTERN.test(name)) return "";
  if (name === "") return "Please write a name.";
  return "A name is 1 to 64 letters, digits and . _ @ + - and begins with a letter or digit.";
}

/** As `problemOfName`, for a room. */
export function problemOfRoom(name) {
  return RESERVED.has(name) ? `“${name}” is an address of the server itself: choose another name.` : problemOfName(name);
}

/** The room that this page shows: the last part of its address; an empty string on the page of all rooms. */
export function roomOfPage() {
  return decodeURIComponent(location.pathname.split("/").at(-1));
}

/** The user's name: from the address, else remembered in this tab, else made up. */
export function userOfPage() {
  const user = new URLSearchParams(location.search).get("user") ?? sessionStorage.getItem(REMEMBERED) ?? inventUser();
  rememberUser(user);
  return user;
}

/** Use this name in this tab from now on. */
export function rememberUser(user) {
  sessionStorage.setItem(REMEMBERED, user);
}

/** The server's address for signaling, beside the page's own. */
export function serverOfPage() {
  const url = new URL("./ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

function inventUser() {
  const letters = Array.from({ length: 4 }, () => LETTERS[Math.floor(Math.random() * LETTERS.length)]);
  return `guest-${letters.join("")}`;
}
