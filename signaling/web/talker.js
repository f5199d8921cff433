/** What a peer says to the others and asks them, beyond what it asks the server for. */

import { Conversation, MessageError } from "./conversation.js";
import { MAX_LOSSY, MAX_RELIABLE, TOPIC, contentOf, dataOf } from "./letter.js";
import { Orders } from "./orders.js";
import { Texts, isPage } from "./rmc.js";

const SEND_LIMIT = 10_000; // milliseconds that a send waits for a slow receiver
const SETTLE_LIMIT = 300; // milliseconds, when we leave, for what was said to be taken

/** The base of `Peer`, which has `grants`, `isOnline`, `order(message)` and `emit(type, detail)`. */
export class Talker extends Orders {
  #conversations = new Map(); // user → Conversation
  #responders = new Map(); // topic → function
  #post;

  constructor() {
    super();
    const me = this;
    this.#post = {
      get isOpen() {
        return me.isOnline && me.grants.includes("message");
      },
      get isAway() {
        return !me.isOnline;
      },
      say: (user, data) => me.order({ type: "message", topic: TOPIC, data, to: user }),
    };
  }

  /**
   * Say something to one user, to some (an array), or to everybody else: they get `message`. `data` is a Uint8Array or
   * anything that JSON can say. Reliable: 256 KiB at most, in order, once, through the server (16 KiB, grant "message")
   * where there is no data channel. Else: 1000 bytes at most, lost if the network is busy.
   *
   * Resolves to {user, path} for one user: path is "channel", "server", "kept" (until they are back; not with
   * `ifUnreachable: "refuse"`) or "dropped"; it throws a MessageError. For many it resolves to an array of those, with
   * path "failed" and the `error` of whom it did not reach.
   */
  async send(data, { to = null, topic = "message", reliable = true, ifUnreachable = "keep" } = {}) {
    const { form, content } = contentOf(topic, data, reliable ? MAX_RELIABLE : MAX_LOSSY);
    const options = { reliable, keep: ifUnreachable === "keep", limit: SEND_LIMIT };
    const say = (user) => this.#say(user, { topic, form }, content, options);
    if (typeof to === "string") return say(to);
    const users = new Set(to ?? this.#conversations.keys());
    return Promise.all([...users].map((user) => say(user).catch((error) => failed(user, error))));
  }

  /** Ask a user; resolves to what their responder of the topic answers. Throws a MessageError that says what is wrong. */
  async request(user, topic, data = null, { timeout = 5_000 } = {}) {
    const { form, content } = contentOf(topic, data, MAX_RELIABLE);
    const answer = await this.#with(user).ask({ topic, form }, content, timeout);
    if (!answer) throw new MessageError("no_answer", `${user} did not answer “${topic}” within ${timeout} ms.`);
    const said = dataOf(answer);
    if (!answer.head.failure) return said;
    const code = answer.head.failure === "no_responder" ? "no_responder" : "request_failed";
    throw new MessageError(code, `${user}: ${said}`);
  }

  /** Answer what others ask of this topic: `responder({user, topic, data})` returns the answer, or its promise. */
  respond(topic, responder) {
    if (this.#responders.has(topic)) throw new Error(`Somebody answers “${topic}” already.`);
    this.#responders.set(topic, responder);
  }

  /** Follow who is here and who can be reached: every event of the room, before anybody else hears of it. */
  follow(type, { user, session, room }) {
    if (type === "remoteUserJoin") this.#begin(user, session);
    else if (type === "remoteUserLeave") this.#end(user, `${user} has left the room.`);
    else if (type === "remoteUserUnreachable") this.#conversations.get(user)?.away(true);
    else if (type === "remoteUserBack") this.#conversations.get(user)?.away(false);
    else if (type === "roomChanged") this.endTalk(`We are in the room ${room} now.`);
    else if (type === "connectionLost" || type === "connectionBack") this.#serverTurned();
  }

  /** There is a data channel to this user's session. */
  adoptChannel(user, session, channel) {
    const conversation = this.#conversations.get(user);
    if (conversation?.session === session) conversation.adopt(channel);
  }

  /** Take in a `message` of the server; returns whether it was a letter. */
  hearWord({ user, topic, data }) {
    return topic === TOPIC && (this.#conversations.get(user)?.hearFromServer(data) ?? false);
  }

  /** Give what was said a moment to be taken, before we say that we leave; null: everything is taken. */
  settle() {
    const late = [...this.#conversations.values()].filter(({ isSettled }) => !isSettled);
    return late.length > 0 ? Promise.all(late.map((conversation) => conversation.settled(SETTLE_LIMIT))) : null;
  }

  /** We were cut off from the server, and know again who is here. */
  cameBack() {
    for (const conversation of this.#conversations.values()) conversation.cameBack();
  }

  /** End every conversation. */
  endTalk(why) {
    for (const user of [...this.#conversations.keys()]) this.#end(user, why);
  }

  #begin(user, session) {
    this.#end(user, `${user} has come anew.`);
    const heard = (head, data) => this.#hear(user, head, data);
    const texts = isPage(session) ? new Texts() : null;
    this.#conversations.set(user, new Conversation(user, session, { post: this.#post, heard, texts }));
  }

  #end(user, why) {
    this.#conversations.get(user)?.close(why);
    this.#conversations.delete(user);
  }

  #serverTurned() {
    for (const conversation of this.#conversations.values()) conversation.serverTurned();
  }

  #with(user) {
    const conversation = this.#conversations.get(user);
    if (!conversation) throw new MessageError("user_gone", `${user} is not in the room.`);
    return conversation;
  }

  async #say(user, head, content, { reliable, ...options }) {
    const conversation = this.#with(user);
    const path = reliable ? await conversation.send(head, content, options) : conversation.sayLossy(head, content);
    return { user, path };
  }

  #hear(user, { topic, number, asks }, data) {
    if (asks) this.#answer(user, topic, number, data);
    else this.emit("message", { user, topic, data });
  }

  async #answer(user, topic, number, data) {
    const conversation = this.#with(user);
    const { failure, ...answer } = await this.#respond({ user, topic, data });
    const head = { topic, form: answer.form, answers: number, ...(failure && { failure }) };
    try {
      await conversation.send(head, answer.content, { keep: true, limit: SEND_LIMIT });
    } catch (error) {
      console.warn(`an answer to ${user} is lost`, error);
    }
  }

  async #respond(request) {
    const responder = this.#responders.get(request.topic);
    if (!responder) return failure("no_responder", request.topic, `nobody answers '${request.topic}'`);
    try {
      return contentOf(request.topic, await responder(request), MAX_RELIABLE);
    } catch (error) {
      console.warn(`the responder of ${request.topic} failed`, error);
      return failure("failed", request.topic, String(error));
    }
  }
}

function failure(kind, topic, text) {
  return { failure: kind, ...contentOf(topic, text.slice(0, 1_000), MAX_RELIABLE) };
}

function failed(user, error) {
  if (!(error instanceof MessageError)) throw error;
  return { user, path: "failed", error };
}
