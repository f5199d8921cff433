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
 * The events and what they say are listed in `hooks.js`.
 */

import { carrierOf } from "./carrier.js";
import { checkWait } from "./checks.js";
import { Exit } from "./exit.js";
import { Hooks } from "./hooks.js";
import { Line, Refused } from "./line.js";
import { Published } from "./published.js";
import { Roster, complete } from "./roster.js";
import { Talker } from "./talker.js";

export { MessageError } from "./conversation.js";
export { Refused };

const RELAYED = new Set(["offer", "answer", "candidate", "needOffer"]);

/** Somebody in a room. A peer is used once: to enter again, make another. */
export class Peer extends Talker {
  #url;
  #token;
  #iceServers;
  #iceTransportPolicy;
  #hooks = new Hooks(this);
  #line = null;
  #mesh = null;
  #roster = new Roster();
  #published = new Published({
    send: (kind, track) => this.#mesh?.replaceTrack(kind, track),
    say: (message) => this.#mesh?.sayToAll(message),
    ended: (kind, device) => this.emit("sourceEnded", { device, kind }),
  });
  #newToken = null; // that the server has not taken yet
  #extraIsOurs = false; // not the server's: whether it knows our `extra`, nobody says
  #entered = false;
  #exit = new Exit({
    settle: () => this.settle(),
    say: (how) => this.#sayLeave(how),
    over: (farewell) => this.#end(farewell),
  });

  constructor(url, { room, user, token, extra = {}, iceServers, iceTransportPolicy = "all" } = {}) {
    super();
    this.#url = url;
    this.#token = token;
    this.#iceServers = iceServers;
    this.#iceTransportPolicy = iceTransportPolicy; // "relay": through TURN servers only
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
    return this.#entered && !this.#exit.isOver;
  }

  /** Whether there is a connection to the server at this moment. */
  get isOnline() {
    return this.#line?.isOpen ?? false;
  }

  /** The kinds of media that are published: "audio", "video". */
  get published() {
    return this.#published.kinds;
  }

  /** The kinds of media that are muted, whether or not they are published. */
  get muted() {
    return this.#published.muted;
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
    if (this.#line || this.#exit.isOver) throw new Error("a Peer enters a room once: make another one");
    addEventListener("pagehide", this.#vanish);
    const join = { type: "join", room: this.room, user: this.user, extra: this.extra };
    if (this.#token) join.token = this.#token;
    this.#line = new Line(this.#url, join, {
      message: (message) => this.#receive(message),
      lost: (grace) => this.#loseConnection(grace),
      back: (joined) => this.#comeBack(joined),
      ended: (reason, text) => this.#lose(reason, text),
    });
    try {
      this.#enter(await this.#line.open());
    } catch (refused) {
      this.#exit.now("refused", null); // which nobody is told of: we never were inside
      throw refused;
    }
  }

  /** Show these tracks to everybody, in place of what was shown. From now on the peer owns them and stops them. */
  async publish(mediaStream) {
    const tracks = mediaStream.getTracks();
    // The room may end while the browser still asks for permission: no camera stays on for nobody.
    const problem = this.#problemWithPublishing();
    if (problem) for (const track of tracks) track.stop();
    if (problem) throw new Error(problem);
    this.#published.show(tracks);
  }

  /** Stop and take back what was published. */
  unpublish() {
    this.#published.show([]);
  }

  /** Send silence or black instead of what is published. The device stays open; `unmute` is immediate. */
  mute(kind) {
    this.#published.setMuted(kind, true);
  }

  /** Undo `mute`. */
  unmute(kind) {
    this.#published.setMuted(kind, false);
  }

  /** Replace what the others know of us. */
  updateExtra(extra) {
    this.extra = extra;
    this.#extraIsOurs = true;
    this.#line?.say({ type: "extra", extra });
  }

  /**
   * Leave the room: resolves after `exitRoom` has fired. May be called by anybody, at any time, many times.
   *
   * It waits, for a second at most, until the "server" has told the others; or until "everyone" has said that they
   * know (`exitRoom` says in `unacknowledged` who has not); or for nothing (null).
   */
  async leave({ wait = "server" } = {}) {
    checkWait(wait);
    return this.#exit.leave(wait, this.users);
  }

  #sayLeave({ wantsAck }) {
    this.#mesh?.sayToAll({ type: "leave", ...(wantsAck && { wantsAck }) });
    return this.#line?.say({ type: "leave", ...(wantsAck && { wait: true }) }) ?? false;
  }

  // The page goes away: there is no time to wait for anything.
  #vanish = () => {
    this.#exit.say();
    this.#line.sayFarewell();
    this.#exit.now("left", null);
  };

  /** The server does not let us come back. */
  #lose(reason, text) {
    // Of every other reason the server has told the others.
    if (!this.#exit.hasBegun && reason === "network_lost") this.#mesh.sayToAll({ type: "leave", reason });
    this.#exit.now(reason, text);
  }

  #end(farewell) {
    removeEventListener("pagehide", this.#vanish);
    this.#published.stop();
    this.endTalk("We have left the room.");
    this.#mesh?.close();
    this.#line?.close();
    if (this.#entered) this.#hooks.fire("exitRoom", farewell);
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
    this.emit("enterRoom", { room: this.room, user: this.user, users });
    for (const entry of joined.users) this.#introduce(entry);
  }

  #openMesh(place) {
    return carrierOf(place, {
      iceServers: this.#chooseIceServers(place),
      iceTransportPolicy: this.#iceTransportPolicy,
      grants: this.grants,
      listener: {
        greeting: () => this.#published.message,
        say: (message) => this.#line.say(message),
        track: (user, track) => this.#receiveTrack(user, track),
        heard: (user, session, message) => this.#hear(user, session, message),
        channel: (user, session, channel) => this.adoptChannel(user, session, channel),
        error: (user, error) => this.emit("error", { code: "call_failed", text: `${user}: ${error.message}` }),
      },
    });
  }

  /** Those that the program named count more than the server's. */
  #chooseIceServers({ iceServers = [] }) {
    return this.#iceServers ?? iceServers;
  }

  /** Whoever is here already is told as a join too: one handler serves both. */
  #introduce({ user, session, extra = {}, unreachable = false }) {
    this.emit("remoteUserJoin", { user, session, extra });
    if (unreachable) this.emit("remoteUserUnreachable", { user, session });
    this.#meet({ user, session }, { offering: true });
    if (unreachable) this.#mesh.lost(user);
  }

  #meet(entry, { offering }) {
    if (!this.#exit.isOver) this.#mesh.add(entry, { offering }); // we may have left in a handler
  }

  #loseConnection(grace) {
    if (this.#exit.hasBegun) this.#exit.loseServer();
    else this.emit("connectionLost", { grace });
  }

  #comeBack(joined) {
    if (this.#exit.hasBegun) return this.#exit.say(); // it may have been lost with the connection
    this.emit("connectionBack", {});
    if (this.#extraIsOurs) this.updateExtra(this.extra); // what we said last may be lost with the connection
    if (this.#newToken) this.#line.say({ type: "refresh", token: this.#newToken });
    if (joined.room !== this.room) return this.#move(joined); // while we were away
    this.#allow(joined);
    this.#mesh.use(this.#chooseIceServers(joined));
    this.#mesh.place(joined.media ?? null);
    for (const event of joined.missed ?? []) this.#follow(event);
    for (const event of this.#roster.corrections(joined.users)) this.#apply(event);
    if (this.#exit.isOver) return;
    this.#line.seq = joined.seq;
    this.#mesh.resumed();
    this.cameBack();
  }

  /** We are in another room, in the same session: the devices stay open, the calls are new ones. */
  #move(place) {
    for (const user of [...this.users.keys()]) this.#forget(user);
    this.users.clear();
    this.room = place.room;
    this.#allow(place);
    this.#mesh.use(this.#chooseIceServers(place));
    this.#line.moved(place);
    this.#carry(place);
    const users = place.users.map((entry) => this.#roster.add(entry).user);
    this.emit("roomChanged", { room: this.room, users });
    for (const entry of place.users) this.#introduce(entry);
  }

  /** A mesh goes on in another room that is one; a VideoRoom is another one there. */
  #carry(place) {
    if (this.#mesh.goesOnIn(place)) return;
    this.#mesh.close();
    this.#mesh = this.#openMesh(place);
    this.#published.sendAgain();
  }

  #allow({ grants = [] }) {
    this.grants = grants;
    this.#mesh.allow(grants);
  }

  #receive(message) {
    if (message.type === "exitRoom") return this.#hearExit(message);
    if (this.#exit.isOver) return;
    if (RELAYED.has(message.type)) this.#mesh.receive(message);
    else if (Object.hasOwn(this.#words, message.type)) this.#words[message.type](message);
    else if (message.type === "error") this.#hearError(message);
    else if ("seq" in message) this.#follow(message);
  }

  #words = {
    iceServers: (message) => this.#mesh.use(this.#chooseIceServers(message)),
    moved: (place) => this.#move(place),
    mediaServer: ({ media = null }) => this.#mesh.place(media),
    message: ({ user = null, topic, data = null }) =>
      this.#mesh.hears({ user, topic, data }) ||
      this.hearWord({ user, topic, data }) ||
      this.emit("message", { user, topic, data }),
    muted: (message) => this.#obeyMute(message),
    tokenExpiring: ({ expiresIn }) => this.emit("tokenExpiring", { expiresIn }),
    refreshed: (message) => this.#useNewToken(message),
    extra: ({ extra }) => {
      this.extra = extra;
      this.#extraIsOurs = false;
    },
  };

  #hearExit({ wantsAck = false, seq, ...farewell }) {
    if (wantsAck) this.#line.say({ type: "ack", seq }); // before the line is closed
    this.#exit.hear(farewell);
  }

  #hearError({ code, text, about = null }) {
    // What we said to somebody crossed the news that they are gone: nobody has to know.
    if (code === "no_such_user" && RELAYED.has(about)) return;
    if (about === "refresh") this.#newToken = null;
    this.emit("error", { code, text, about });
  }

  /** Somebody speaks straight to us. */
  #hear(user, session, message) {
    if (message.type === "ack") return this.#exit.acknowledge(user);
    if (message.wantsAck) this.#mesh.say(user, { type: "ack" });
    for (const [type, news] of this.#roster.hear(user, session, message)) this.#tell(type, news);
  }

  #follow(event) {
    if (event.wantsAck) this.#line.say({ type: "ack", seq: event.seq });
    if (event.seq <= this.#line.seq) return;
    this.#line.seq = event.seq;
    this.#apply(event);
  }

  #apply({ type, seq: _, wantsAck: __, ...event }) {
    if (!this.#exit.isOver && this.#roster.apply(type, event)) this.#tell(type, event);
  }

  #tell(type, event) {
    if (type === "remoteUserLeave") this.#forget(event.user);
    if (type === "remoteUserUnreachable") this.#mesh.lost(event.user);
    if (event.grants) this.#mesh.renew(event.user);
    this.emit(type, complete(type, event));
    if (type === "remoteUserJoin") this.#meet(event, { offering: false });
    if (type === "remoteUserBack") this.#mesh.back(event.user);
  }

  #forget(user) {
    this.#mesh.remove(user);
    this.#exit.acknowledge(user); // who is gone does not have to say that they know
  }

  #receiveTrack(user, track) {
    for (const other of this.users.values()) other.stream.removeTrack(track); // Janus uses a track for one after the other
    const { stream } = this.users.get(user);
    for (const old of stream.getTracks()) if (old.kind === track.kind) stream.removeTrack(old);
    stream.addTrack(track);
    this.emit("track", { user, kind: track.kind, track, stream });
  }

  #problemWithPublishing() {
    if (!this.isInside || this.#exit.hasBegun) return "we are not in the room: nothing was published";
    return this.grants.includes("publish") ? null : "The token does not let us publish.";
  }

  #obeyMute({ user, kind, text = null, wantsAck, seq }) {
    if (user) return; // somebody else is muted, as we asked for
    if (wantsAck) this.#line.say({ type: "ack", seq });
    this.mute(kind);
    this.emit("muted", { kind, text });
  }

  #useNewToken(refreshed) {
    this.#allow(refreshed);
    if (this.#newToken) this.#line.useToken(this.#newToken);
    this.#newToken = null;
  }

  /** Say something to the server. Throws if there is no connection at the moment. */
  order(message) {
    if (!this.#line?.say(message)) throw new Error("There is no connection to the server at the moment.");
    if (message.type === "refresh") this.#newToken = message.token;
  }

  /** Tell everybody who wants to know; nothing after the exit. */
  emit(type, detail) {
    if (this.#exit.isOver) return;
    this.follow(type, detail);
    this.#hooks.fire(type, detail);
  }
}
