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
  moved: "was moved to another room",
};

const DETECTIONS = {
  notice: "their own word",
  socket_closed: "connection closed",
  heartbeat: "silence",
  guard: "their guard",
  admin: "the server or a moderator",
  media: "media only",
};

const SOURCES = { audio: "microphone", video: "camera" };

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
  enterRoom: ({ user, users }) => line(`You entered as ${user}`, "good", companyWords(users)),
  remoteUserJoin: ({ user }) => line(`${user} is here`, "good"),
  remoteUserUpdate: ({ user }) => line(`${user} updated`, "plain"),
  remoteUserPublished: ({ user, kind }) => line(`${user}'s ${SOURCES[kind]} is on`, "plain"),
  remoteUserUnpublished: ({ user, kind }) => line(`${user}'s ${SOURCES[kind]} is off`, "plain"),
  remoteUserMuted: ({ user, kind }) => line(`${user}'s ${SOURCES[kind]} is muted`, "plain"),
  remoteUserUnmuted: ({ user, kind }) => line(`${user}'s ${SOURCES[kind]} is unmuted`, "plain"),
  remoteUserUnreachable: ({ user }) => line(`${user} is unreachable`, "warn"),
  remoteUserBack: ({ user }) => line(`${user} is back`, "good"),
  remoteUserLeave: (event) => line(`${event.user} ${DEPARTURES[event.reason] ?? event.reason}`, "leave", leaveDetail(event)),
  roomChanged: ({ room, users }) => line(`You were moved to ${room}`, "warn", companyWords(users)),
  message: ({ user, topic }) => line(`${user ?? "The server"} says something`, "plain", topic),
  muted: ({ kind, text }) => line(`Your ${SOURCES[kind]} was muted`, "warn", text ? `“${text}”` : "you may unmute it"),
  tokenExpiring: ({ expiresIn }) => line("Your invitation expires", "warn", `in ${Math.round(expiresIn)} s`),
  connectionLost: ({ grace }) => line("Connection lost", "warn", `coming back is possible for ${grace} s`),
  connectionBack: () => line("Connection is back", "good"),
  sourceEnded: ({ device, kind }) => line(`Your ${SOURCES[kind]} ended`, "warn", device),
  error: ({ code, text }) => line("Error", "warn", `${code}: ${text}`),
  exitRoom: (event) => line(exitWords(event).title, "leave", `reason: ${event.reason}`),
};

function line(title, tone, detail = "") {
  return { title, tone, detail };
}

function companyWords(users) {
  return users.length ? `${users.length} already here` : "nobody else is here";
}

function leaveDetail({ reason, text, detectedBy, silentFor }) {
  const parts = [`reason: ${reason}`, `known by: ${DETECTIONS[detectedBy] ?? detectedBy}`];
  if (silentFor >= 0.1) parts.push(`silent for ${silentFor.toFixed(1)} s`);
  if (text) parts.push(`“${text}”`);
  return parts.join(" · ");
}
