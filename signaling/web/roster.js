/**
 * Who is here, as we know it. Pure bookkeeping: every change comes in as an event of the room, and what a whole roster
 * of the server says differently comes out as events.
 *
 * A user is known by name and session: what is said of a session that is not, or no more, here says nothing new. So
 * each session's leave is told once, whichever way it is heard first: from the server, or from the leaver straight.
 */

const REMEMBERED = 256; // sessions that left by their own word: more than can be here while the server does not know

export class Roster {
  /** Name → {user, session, extra, unreachable, published, muted, stream}: the kinds that they send, as far as they said. */
  users = new Map();
  #departed = new Set(); // sessions that said so before the server did, oldest first

  /** Somebody is in. Returns their entry. */
  add({ user, session, extra = {}, unreachable = false }) {
    const media = { published: new Set(), muted: new Set(), stream: new MediaStream() };
    const entry = { user, session, extra, unreachable, ...media };
    this.users.set(user, entry);
    return entry;
  }

  /** Follow one event of the room. Returns false if it says nothing new: then nobody has to hear of it. */
  apply(type, event) {
    const entry = this.users.get(event.user);
    if (type === "remoteUserJoin") return !entry && !this.#departed.has(event.session) && Boolean(this.add(event));
    // An event of an old session must not touch the new session of the same user.
    if (entry?.session !== event.session) return false;
    return CHANGES[type]?.(this, entry, event) ?? false;
  }

  /** What must be told, in order, so that we know what the server's whole roster says. */
  corrections(roster) {
    const said = new Map(roster.map((entry) => [entry.user, entry]));
    const gone = [...this.users.values()].filter(({ user, session }) => said.get(user)?.session !== session);
    return [...gone.map(lostWithoutWord), ...roster.flatMap((entry) => this.#correction(entry))];
  }

  /** Somebody says themselves that they leave, or what they send. Returns what is to be told of it: [type, event]s. */
  hear(user, session, message) {
    const entry = this.users.get(user);
    if (message.type === "media") return entry?.session === session ? sends(entry, message) : [];
    const departure = this.depart(user, session, message);
    return departure ? [["remoteUserLeave", departure]] : [];
  }

  /** Somebody says themselves that they leave. Returns what is to be told of it; null if that is no news. */
  depart(user, session, { reason, text }) {
    const entry = this.users.get(user);
    if (entry?.session !== session) return null;
    this.users.delete(user);
    this.#departed.add(session);
    if (this.#departed.size > REMEMBERED) this.#departed.delete(this.#departed.values().next().value);
    return { user, session, reason, text, detectedBy: "notice", silentFor: 0, extra: entry.extra };
  }

  #correction({ user, session, extra = {}, unreachable = false }) {
    const known = this.users.get(user);
    const types = [];
    if (known?.session !== session) types.push("remoteUserJoin");
    else if (JSON.stringify(known.extra) !== JSON.stringify(extra)) types.push("remoteUserUpdate");
    // A presence that is known already, or of a session that departed, says nothing new: applying it drops it.
    types.push(unreachable ? "remoteUserUnreachable" : "remoteUserBack");
    return types.map((type) => ({ type, user, session, extra }));
  }
}

/** The wire leaves out what equals its default. */
export function complete(type, event) {
  if (type === "remoteUserLeave") return { text: null, silentFor: 0, extra: {}, ...event };
  if (type === "remoteUserJoin" || type === "remoteUserUpdate") return { extra: {}, ...event };
  return { user: event.user, session: event.session, ...(event.kind && { kind: event.kind }) };
}

const CHANGES = {
  remoteUserUpdate: (_, entry, { extra = {} }) => {
    entry.extra = extra;
    return true;
  },
  remoteUserUnreachable: (_, entry) => setUnreachable(entry, true),
  remoteUserBack: (_, entry) => setUnreachable(entry, false),
  remoteUserLeave: (roster, { user }) => roster.users.delete(user),
};

function sends(entry, { published, muted }) {
  const { user, session, published: wasPublished, muted: wasMuted } = entry;
  [entry.published, entry.muted] = [new Set(published), new Set(muted)];
  const news = (type, before, now) =>
    [...now].filter((kind) => !before.has(kind)).map((kind) => [type, { user, session, kind }]);
  return [
    ...news("remoteUserUnpublished", entry.published, wasPublished),
    ...news("remoteUserPublished", wasPublished, entry.published),
    ...news("remoteUserMuted", wasMuted, entry.muted),
    ...news("remoteUserUnmuted", entry.muted, wasMuted),
  ];
}

function setUnreachable(entry, unreachable) {
  const isNew = entry.unreachable !== unreachable;
  entry.unreachable = unreachable;
  return isNew;
}

function lostWithoutWord({ user, session, extra }) {
  const [reason, detectedBy] = ["network_lost", "socket_closed"];
  return { type: "remoteUserLeave", user, session, reason, text: null, detectedBy, silentFor: 0, extra };
}
