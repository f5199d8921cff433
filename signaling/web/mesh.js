/**
 * How our tracks reach the others and theirs reach us: one call with every other user's session.
 *
 * Who came later offers, for as long as both are there. A call that fails is replaced by the side that offers, after
 * a delay that doubles; the other side can only ask for it (`needOffer`). Messages of any call but the current one of
 * their user are ignored: they are late.
 */

import { Call } from "./call.js";
import { CHANNEL } from "./channel.js";
import { LOSSY, TALK } from "./letter.js";
import { CHANNEL as PAGE_CHANNEL, isPage } from "./rmc.js";

const FIRST_RETRY = 500; // milliseconds; doubles with every failure in a row
const LONGEST_RETRY = 8_000; // milliseconds
const OFFER_TIMEOUT = 15_000; // milliseconds that we wait for the other side's first offer before we ask for it

/**
 * Tells its listener: say(message) what the server is to pass on; track(user, track); error(user, error);
 * heard(user, session, message) what somebody says straight to us; channel(user, session, channel) the channels for more.
 * Asks it for its greeting(), the message that is said first to everybody.
 */
export class Mesh {
  #session;
  #iceServers;
  #iceTransportPolicy;
  #listener;
  #grants;
  #links = new Map(); // user → {user, session, offering, unreachable, call, failures, timer}
  #local = { stream: new MediaStream(), tracks: { audio: null, video: null } };
  #counter = 0;

  constructor(session, { iceServers, iceTransportPolicy, grants, listener }) {
    this.#grants = grants;
    this.#session = session;
    this.#iceServers = iceServers;
    this.#iceTransportPolicy = iceTransportPolicy;
    this.#listener = listener;
  }

  /** Somebody is there. `offering`: we came later than they did, so the call is ours to begin. */
  add({ user, session }, { offering }) {
    const link = { user, session, offering, unreachable: false, call: null, failures: 0, timer: null };
    this.#links.set(user, link);
    if (offering) this.#offer(link);
    else this.#awaitOffer(link);
  }

  /** Somebody is gone. */
  remove(user) {
    const link = this.#links.get(user);
    this.#links.delete(user);
    if (link) hangUp(link);
  }

  /** Somebody cannot be reached through the server; their call goes on as long as it can. */
  lost(user) {
    const link = this.#links.get(user);
    if (link) link.unreachable = true;
  }

  /** Somebody can be reached again. */
  back(user) {
    const link = this.#links.get(user);
    if (!link) return;
    link.unreachable = false;
    this.#renew(link);
  }

  /** We can be reached again. */
  resumed() {
    for (const link of this.#links.values()) this.#renew(link);
  }

  /** Send this track to everybody from now on, or nothing of this kind (null). */
  replaceTrack(kind, track) {
    this.#local.tracks[kind] = track;
    for (const { call } of this.#links.values()) call?.replaceTrack(kind, track);
  }

  /** Whether media flow between us and this user. */
  connected(user) {
    return this.#links.get(user)?.call?.connected ?? false;
  }

  /** Send and receive what these grants allow: if that is another than before, in new calls. */
  allow(grants) {
    const isOther = directionOf(grants) !== directionOf(this.#grants);
    this.#grants = grants;
    if (isOther) for (const user of this.#links.keys()) this.renew(user);
  }

  /** What somebody may send or receive is another: replace their call, at once, by one that allows just that. */
  renew(user) {
    const link = this.#links.get(user);
    if (!link?.call) return;
    if (link.offering && !link.unreachable) return this.#offer(link);
    if (!link.offering) this.#ask(link);
    hangUp(link);
    if (!link.offering) this.#awaitOffer(link);
  }

  /** Make new calls with these; those that are there keep theirs. */
  use(iceServers) {
    this.#iceServers = iceServers;
  }

  /** No server carries our media. */
  place() {}

  /** Whether this may carry media in that place, too. */
  goesOnIn({ topology = "mesh" }) {
    return topology === "mesh";
  }

  /** What is said of media comes over the calls' channels: what comes through the server is something else. */
  hears() {
    return false;
  }

  /** An offer, answer, candidate or needOffer has come. */
  receive(message) {
    const link = this.#links.get(message.user);
    if (!link) return;
    const current = message.call !== undefined && message.call === link.call?.id;
    if (message.type === "offer" && !current && !link.offering) this.#answer(link, message);
    else if (message.type === "answer" && current) link.call.accept(message.sdp);
    else if (message.type === "candidate" && current) link.call.addCandidate(message);
    else if (message.type === "needOffer" && (current || isFirstRequest(message, link))) this.#retry(link);
  }

  /** Say something straight to a user. */
  say(user, message) {
    this.#links.get(user)?.call?.say(message);
  }

  /** Say something straight to everybody. */
  sayToAll(message) {
    for (const user of this.#links.keys()) this.say(user, message);
  }

  /** End all calls. */
  close() {
    for (const link of this.#links.values()) hangUp(link);
    this.#links.clear();
  }

  #awaitOffer(link) {
    link.timer = setTimeout(() => {
      this.#ask(link);
      this.#awaitOffer(link);
    }, OFFER_TIMEOUT);
  }

  #offer(link) {
    hangUp(link);
    this.#counter += 1;
    link.call = this.#call(link, `${this.#session}.${this.#counter}`);
    link.call.offer();
  }

  #answer(link, { call, sdp }) {
    hangUp(link);
    link.call = this.#call(link, call);
    link.call.answer(sdp);
  }

  #call(link, id) {
    const { user, session } = link;
    return new Call(id, {
      iceServers: this.#iceServers,
      iceTransportPolicy: this.#iceTransportPolicy,
      local: this.#local,
      direction: directionOf(this.#grants),
      channels: isPage(session) ? [PAGE_CHANNEL] : [CHANNEL, TALK, LOSSY],
      listener: {
        say: (message) => this.#listener.say({ ...message, user }),
        track: (track) => this.#listener.track(user, track),
        heard: (message) => this.#listener.heard(user, session, message),
        channel: (channel) => this.#listener.channel(user, session, channel),
        opened: () => link.call?.say(this.#listener.greeting()),
        connected: () => succeed(link),
        failed: (error) => this.#fail(link, error),
      },
    });
  }

  #fail(link, error) {
    if (error) this.#listener.error(link.user, error);
    if (link.offering) this.#retry(link);
    else this.#ask(link);
  }

  #ask(link) {
    this.#listener.say({ type: "needOffer", user: link.user, ...(link.call && { call: link.call.id }) });
  }

  #retry(link) {
    if (!link.offering || link.timer !== null) return;
    const delay = Math.min(FIRST_RETRY * 2 ** link.failures, LONGEST_RETRY);
    link.failures += 1;
    link.timer = setTimeout(() => {
      link.timer = null;
      // Nobody could answer: they, or we, make a new call on coming back.
      if (!link.unreachable) this.#offer(link);
    }, delay);
  }

  #renew(link) {
    if (!link.offering || link.call?.connected) return;
    link.failures = 0;
    this.#offer(link);
  }
}

/** Which way media may flow; with neither grant, a call is there for its data channel. */
function directionOf(grants) {
  const [sends, receives] = [grants.includes("publish"), grants.includes("subscribe")];
  if (sends) return receives ? "sendrecv" : "sendonly";
  return receives ? "recvonly" : "inactive";
}

/** They never had a call of ours: our first offer was lost on its way. */
function isFirstRequest(message, link) {
  return message.call === undefined && !link.call?.connected;
}

function succeed(link) {
  link.failures = 0;
  clearTimeout(link.timer);
  link.timer = null;
}

function hangUp(link) {
  clearTimeout(link.timer);
  link.timer = null;
  link.call?.close();
  link.call = null;
}
