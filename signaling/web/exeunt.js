/**
 * The browser's peer: enters a room, shows its tracks to the others and theirs to us, and always leaves properly.
 *
 *     import { Peer } from "./exeunt.js";
 *     const me = new Peer("wss://example.org/ws", { room: "lobby", user: "ana" });
 *     me.onRemoteUserLeave = ({ user, reason }) => console.log(user, "left:", reason);
 *     await me.join();
 *     await me.publish(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
 *     await me.leave();
 *
 * However it ends, in this order: the others are told (through the server, and straight, so that they know without it,
 * too), the local tracks are stopped (the camera's light is off) and the connections closed, `exitRoom` fires, once and
 * last. It ends by `leave()`, when the page goes away, by the server's word (kicked, dismissed, replaced, ...), or
 * because the connection stayed away longer than the grace.
 *
 * Events, as in Python; every one is an object with `type`:
 *     enterRoom {room, user, users}            remoteUserJoin {user, session, extra}
 *     connectionLost {grace}                   remoteUserUpdate {user, session, extra}
 *     connectionBack {}                        remoteUserUnreachable {user, session}
 *     track {user, kind, track, stream}        remoteUserBack {user, session}
 *     sourceEnded {device, kind}               remoteUserLeave {user, session, reason, text, detectedBy, silentFor, extra}
 *     error {code, text, about}                exitRoom {reason, text, unacknowledged}
 */

import { checkBan, checkWait } from "./checks.js";
import { Hooks } from "./hooks.js";
import { Line, Refused } from "./line.js";
import { Mesh } from "./mesh.js";
import { Notice } from "./notice.js";
import { Roster } from "./roster.js";

export { Refused };

const NOTICE_TIMEOUT = 1_000; // milliseconds that the server and the others have to answer when we leave
const KINDS = ["audio", "video"];
const RELAYED = new Set(["offer", "answer", "candidate", "needOffer"]);

/** Somebody in a room. A peer is used once: to enter again, make another. */
export class Peer {
  #url;
  #token;
  #iceServers;
  #hooks = new Hooks(this);
  #line = null;
  #mesh = null;
  #roster = new Roster();
  #published = new Map(); // kind → our track
  #muted = new Set();
  #farewell = null; // {reason, text}: the first reason to leave, which is the one that counts
  #leaving = null; // the promise of `leave()`: everybody who calls it waits for the same
  #notice = new Notice();
  #extraSaid = true; // the server knows our `extra`
  #entered = false;
  #exited = false;

  constructor(url, { room, user, token, extra = {}, iceServers } = {}) {
    this.#url = url;
    this.#token = token;
    this.#iceServers = iceServers;
    this.room = room;
    this.user = user;
    this.extra = extra;
    this.grants = [];
  }

  /** The others in the room, by name: {user, session, extra, unreachable, stream}. */
  get users() {
    return this.#roster.users;
  }

  /** Whether we are in the room, possibly with the connection lost for the moment. */
  get isInside() {
    return this.#entered && !this.#exited;
  }

  /** The kinds of media that are muted: "audio", "video". */
  get muted() {
    return new Set(this.#muted);
  }

  /** Whether media flow between us and this user. */
  isConnected(user) {
    return this.#mesh?.connected(user) ?? false;
  }

  /** Call `handler(event)` at every event of this name ("remoteUserJoin" or "onRemoteUserJoin"). Returns its undoing. */
  on(name, handler) {
    return this.#hooks.on(name, handler);
  }

  /** Enter the room. Throws `Refused` if the server says no or does not answer. */
  async join() {
    if (this.#line || this.#exited) throw new Error("a Peer enters a room once: make another one");
    addEventListener("pagehide", this.#vanish);
    const join = { type: "join", room: this.room, user: this.user, extra: this.extra };
    if (this.#token) join.token = this.#token;
    this.#line = new Line(this.#url, join, {
      message: (message) => this.#receive(message),
      lost: (grace) => this.#loseConnection(grace),
      back: (joined) => this.#comeBack(joined),
      ended: (reason, text) => this.#exit(reason, text),
    });
    try {
      this.#enter(await this.#line.open());
    } catch (refused) {
      this.#release();
      throw refused;
    }
  }

  /** Show these tracks to everybody, in place of what was shown. From now on the peer owns them and stops them. */
  async publish(mediaStream) {
    const tracks = mediaStream.getTracks();
    if (!this.isInside || this.#farewell) {
      // The room may end while the browser still asks for permission: no camera stays on for nobody.
      for (const track of tracks) track.stop();
      throw new Error("we are not in the room: nothing was published");
    }
    for (const kind of KINDS) this.#publish(kind, tracks.find((track) => track.kind === kind) ?? null);
  }

  /** Stop and take back what was published. */
  unpublish() {
    for (const kind of KINDS) this.#publish(kind, null);
  }

  /** Send silence or black instead of what is published. The device stays open; `unmute` is immediate. */
  mute(kind) {
    this.#muted.add(kind);
    this.#applyMute(kind);
  }

  /** Undo `mute`. */
  unmute(kind) {
    this.#muted.delete(kind);
    this.#applyMute(kind);
  }

  /** Replace what the others know of us. */
  updateExtra(extra) {
    this.extra = extra;
    this.#extraSaid = this.#line?.say({ type: "extra", extra }) ?? false;
  }

  /**
   * Remove somebody from the room (grant "moderate"), and keep them out for `banFor` seconds, if that is said. Throws
   * if there is no connection at the moment.
   */
  kick(user, text, { banFor = null } = {}) {
    checkBan(banFor);
    this.#order({ type: "kick", user, ...(text && { text }), ...(banFor !== null && { banFor }) });
  }

  /** Close the room and remove everybody (grant "moderate"). Throws if there is no connection at the moment. */
  dismiss(text) {
    this.#order({ type: "dismiss", ...(text && { text }) });
  }

  /**
   * Leave the room: resolves after `exitRoom` has fired. May be called by anybody, at any time, many times.
   *
   * It waits, for a second at most, until the "server" has told the others; or until "everyone" has said that they
   * know (`exitRoom` says in `unacknowledged` who has not); or for nothing (null).
   */
  async leave({ wait = "server" } = {}) {
    checkWait(wait);
    this.#leaving ??= this.#leave(wait);
    return this.#leaving;
  }

  async #leave(wait) {
    this.#farewell ??= { reason: "left", text: null };
    if (!this.#exited) await this.#notify(wait);
    this.#finish();
  }

  async #notify(wait) {
    this.#notice.begin(wait, this.users.keys());
    if (!this.#sayLeave()) this.#notice.loseServer();
    await within(NOTICE_TIMEOUT, this.#notice.over);
  }

  #sayLeave() {
    const { wantsAck } = this.#notice;
    this.#mesh?.sayToAll({ type: "leave", ...(wantsAck && { wantsAck }) });
    return this.#line?.say({ type: "leave", ...(wantsAck && { wait: true }) }) ?? false;
  }

  // The page goes away: there is no time to wait for anything.
  #vanish = () => {
    if (!this.#farewell) this.#sayLeave();
    this.#exit("left", null);
  };

  #exit(reason, text) {
    // Of every other reason the server has told the others.
    if (!this.#farewell && reason === "network_lost") this.#mesh?.sayToAll({ type: "leave", reason });
    this.#farewell ??= { reason, text };
    this.#finish();
  }

  #finish() {
    if (this.#exited) return;
    this.#release();
    const { unacknowledged } = this.#notice;
    if (this.#entered) this.#hooks.fire("exitRoom", { ...this.#farewell, unacknowledged });
  }

  #release() {
    this.#exited = true;
    removeEventListener("pagehide", this.#vanish);
    for (const track of this.#published.values()) stop(track);
    this.#published.clear();
    this.#mesh?.close();
    this.#line?.close();
    this.#notice.end();
  }

  #enter(joined) {
    this.room = joined.room;
    this.user = joined.user;
    this.session = joined.session;
    this.grants = joined.grants ?? [];
    this.#entered = true;
    this.#line.seq = joined.seq;
    this.#mesh = this.#openMesh(joined);
    const users = joined.users.map((entry) => this.#roster.add(entry).user);
    this.#emit("enterRoom", { room: this.room, user: this.user, users });
    for (const entry of joined.users) this.#introduce(entry);
  }

  #openMesh({ session, iceServers }) {
    return new Mesh(session, {
      iceServers: this.#iceServers ?? iceServers ?? [],
      listener: {
        say: (message) => this.#line.say(message),
        track: (user, track) => this.#receiveTrack(user, track),
        heard: (user, session, message) => this.#hear(user, session, message),
        error: (user, error) => this.#emit("error", { code: "call_failed", text: `${user}: ${error.message}` }),
      },
    });
  }

  /** Whoever is here already is told as a join too: one handler serves both. */
  #introduce({ user, session, extra = {}, unreachable = false }) {
    this.#emit("remoteUserJoin", { user, session, extra });
    if (unreachable) this.#emit("remoteUserUnreachable", { user, session });
    this.#meet({ user, session }, { offering: true });
    if (unreachable) this.#mesh.lost(user);
  }

  #meet(entry, { offering }) {
    if (!this.#exited) this.#mesh.add(entry, { offering }); // we may have left in a handler
  }

  #loseConnection(grace) {
    if (this.#farewell) this.#notice.loseServer();
    else this.#emit("connectionLost", { grace });
  }

  #comeBack(joined) {
    if (this.#farewell) return this.#sayLeave(); // it may have been lost with the connection
    this.#emit("connectionBack", {});
    for (const event of joined.missed ?? []) this.#follow(event);
    for (const event of this.#roster.corrections(joined.users)) this.#apply(event);
    if (this.#exited) return;
    this.#line.seq = joined.seq;
    if (!this.#extraSaid) this.updateExtra(this.extra);
    this.#mesh.resumed();
  }

  #receive(message) {
    if (message.type === "exitRoom") return this.#hearExit(message);
    if (this.#exited) return;
    if (RELAYED.has(message.type)) this.#mesh.receive(message);
    else if (message.type === "error") this.#hearError(message);
    else if ("seq" in message) this.#follow(message);
  }

  #hearExit({ reason, text = null, unacknowledged }) {
    this.#notice.confirm(unacknowledged);
    // While we wait for the answer to our own leave, `#leave` finishes, with the reason that came first.
    if (!this.#leaving) this.#exit(reason, text);
  }

  #hearError({ code, text, about = null }) {
    // What we said to somebody crossed the news that they are gone: nobody has to know.
    if (code === "no_such_user" && RELAYED.has(about)) return;
    this.#emit("error", { code, text, about });
  }

  /** Somebody speaks straight to us. */
  #hear(user, session, message) {
    if (message.type === "ack") return this.#notice.acknowledge(user);
    if (message.wantsAck) this.#mesh.say(user, { type: "ack" });
    const departure = this.#roster.depart(user, session, message);
    if (departure) this.#tell("remoteUserLeave", departure);
  }

  #follow(event) {
    if (event.wantsAck) this.#line.say({ type: "ack", seq: event.seq });
    if (event.seq <= this.#line.seq) return;
    this.#line.seq = event.seq;
    this.#apply(event);
  }

  #apply({ type, seq: _, wantsAck: __, ...event }) {
    if (!this.#exited && this.#roster.apply(type, event)) this.#tell(type, event);
  }

  #tell(type, event) {
    if (type === "remoteUserLeave") this.#forget(event.user);
    if (type === "remoteUserUnreachable") this.#mesh.lost(event.user);
    this.#emit(type, complete(type, event));
    if (type === "remoteUserJoin") this.#meet(event, { offering: false });
    if (type === "remoteUserBack") this.#mesh.back(event.user);
  }

  #forget(user) {
    this.#mesh.remove(user);
    this.#notice.acknowledge(user); // who is gone does not have to say that they know
  }

  #receiveTrack(user, track) {
    const { stream } = this.users.get(user);
    for (const old of stream.getTracks()) if (old.kind === track.kind) stream.removeTrack(old);
    stream.addTrack(track);
    this.#emit("track", { user, kind: track.kind, track, stream });
  }

  #publish(kind, track) {
    const old = this.#published.get(kind);
    if (old && old !== track) stop(old);
    if (track) this.#published.set(kind, track);
    else this.#published.delete(kind);
    if (track) track.onended = () => this.#emit("sourceEnded", { device: track.label, kind });
    this.#applyMute(kind);
    this.#mesh?.replaceTrack(kind, track);
  }

  #applyMute(kind) {
    const track = this.#published.get(kind);
    if (track) track.enabled = !this.#muted.has(kind);
  }

  #order(message) {
    if (!this.#line?.say(message)) throw new Error("There is no connection to the server at the moment.");
  }

  #emit(type, detail) {
    if (!this.#exited) this.#hooks.fire(type, detail);
  }
}

/** The wire leaves out what equals its default. */
function complete(type, event) {
  if (type === "remoteUserLeave") return { text: null, silentFor: 0, extra: {}, ...event };
  if (type === "remoteUserJoin" || type === "remoteUserUpdate") return { extra: {}, ...event };
  return { user: event.user, session: event.session };
}

function stop(track) {
  track.onended = null;
  track.stop();
}

function within(milliseconds, promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
}
