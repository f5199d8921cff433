/** What people read: the words for reasons, for events and for what the server refuses. */

const EXITS = {
  left: ["You left", "Thank you for coming."],
  kicked: ["You were removed by a moderator", ""],
  dismissed: ["The room was closed", ""],
  replaced: ["You joined elsewhere", "The same name entered this room from another page or program, and took your place."],
  token_expired: ["Your invitation has expired", "Ask for a new one to come back."],
  network_lost: ["Connection lost", "The server could not be reached in time to keep your place."],
  server_shutdown: ["Server is going down", "Try again in a moment."],
  error: ["Something went wrong", ""],
};

const REFUSALS = { // title and text; null: the server's own words
  token_required: ["This room needs an invitation", "Open the whole address that you were given: the invitation is part of it."],
  token_invalid: ["This invitation is not valid", "It may be for another room or another name. Ask for a new one."],
  token_expired: ["This invitation has expired", "Ask for a new one."],
  room_full: ["The room is full", "Try again when somebody has left."],
  user_taken: ["This name is taken", "Somebody in the room has the same name. Choose another on the page of all rooms."],
  bad_name: ["This name cannot be used", "Names are 1 to 64 letters, digits and . _ @ + - and begin with a letter or digit."],
  banned: ["You were removed from this room", null],
  server_shutdown: ["Server is going down", "Try again in a moment."],
  unreachable: ["The server cannot be reached", "Check the network, then try again."],
};

const DEPARTURES = {
  left: "left",
  kicked: "was removed",
  dismissed: "was let go: the room was closed",
  replaced: "joined elsewhere",
  token_expired: "had to go: the invitation expired",
  network_lost: "was lost",
  crashed: "crashed",
  server_shutdown: "was let go: the server is going down",
  error: "left because of an error",
};

const DETECTIONS = {
  notice: "their own word",
  socket_closed: "connection closed",
  heartbeat: "silence",
  guard: "their guard",
  admin: "the server or a moderator",
  media: "media only",
};

const MUTED = { audio: "microphone", video: "camera" };

/** Title and text of the last screen, after `exitRoom`. */
export function exitWords({ reason, text }) {
  const [title, standard] = EXITS[reason] ?? ["You are out", reason];
  return { title, text: text ? `“${text}”` : standard };
}

/** Title and text of the last screen, when the server did not let us in. */
export function refusalWords({ code, message }) {
  const [title, text] = REFUSALS[code] ?? ["You could not enter", null];
  return { title, text: text ?? message };
}

/** One line of the list of events: {title, detail, tone}; null for events that are not for people. */
export function eventWords(event) {
  return EVENTS[event.type]?.(event) ?? null;
}

const EVENTS = {
  enterRoom: ({ user, users }) => line(`You entered as ${user}`, "good", `${users.length} already here`),
  remoteUserJoin: ({ user }) => line(`${user} is here`, "good"),
  remoteUserUpdate: ({ user, extra }) => line(`${user} updated`, "plain", mutedWords(extra)),
  remoteUserUnreachable: ({ user }) => line(`${user} is unreachable`, "warn"),
  remoteUserBack: ({ user }) => line(`${user} is back`, "good"),
  remoteUserLeave: (event) => line(`${event.user} ${DEPARTURES[event.reason] ?? event.reason}`, "leave", leaveDetail(event)),
  connectionLost: ({ grace }) => line("Connection lost", "warn", `coming back is possible for ${grace} s`),
  connectionBack: () => line("Connection is back", "good"),
  sourceEnded: ({ device, kind }) => line(`Your ${MUTED[kind]} ended`, "warn", device),
  error: ({ code, text }) => line("Error", "warn", `${code}: ${text}`),
  exitRoom: (event) => line(exitWords(event).title, "leave", `reason: ${event.reason}`),
};

function line(title, tone, detail = "") {
  return { title, tone, detail };
}

function leaveDetail({ reason, text, detectedBy, silentFor }) {
  const parts = [`reason: ${reason}`, `known by: ${DETECTIONS[detectedBy] ?? detectedBy}`];
  parts.push(`silent for ${silentFor.toFixed(1)} s`);
  if (text) parts.push(`“${text}”`);
  return parts.join(" · ");
}

function mutedWords(extra) {
  const muted = mutedKinds(extra).map((kind) => MUTED[kind]);
  return muted.length ? `muted: ${muted.join(", ")}` : "nothing muted";
}

/** The kinds of media that a user's `extra` says are muted. It is a stranger's word: anything may be in it. */
export function mutedKinds(extra) {
  return Array.isArray(extra?.muted) ? extra.muted.filter((kind) => Object.hasOwn(MUTED, kind)) : [];
}
