/** The page of a room: watch, join with camera, leave, and be told why it is over. */

import { openDevices } from "./devices.js";
import { ask } from "./dialogs.js";
import { Peer, Refused } from "./exeunt.js";
import { Journal } from "./journal.js";
import { problemOfName, serverOfPage, userOfPage } from "./names.js";
import { Stage } from "./stage.js";
import { eventWords, exitWords, refusalWords } from "./words.js";

const EVENTS = [
  ...["enterRoom", "remoteUserJoin", "remoteUserUpdate", "remoteUserUnreachable", "remoteUserBack", "remoteUserLeave"],
  ...["remoteUserPublished", "remoteUserUnpublished", "remoteUserMuted", "remoteUserUnmuted", "roomChanged", "message", "muted"],
  ...["tokenExpiring", "connectionLost", "connectionBack", "track", "sourceEnded", "error", "exitRoom"],
];
const MOST_EVENTS = 1_000; // kept for whoever looks at `window.exeunt.events`

const $ = (id) => document.getElementById(id);

export class RoomPage {
  #room;
  #me = null;
  #events = [];
  #hadDevices = false;
  #wasInside = false; // when the page was last hidden
  #journal = new Journal();
  #stage = new Stage($("stage"), {
    empty: $("stage-empty"),
    onSoundRefused: (isRefused) => $("sound").toggleAttribute("hidden", !isRefused),
  });

  constructor(room) {
    this.#room = room;
    this.#nameRoom(room);
    this.#wire();
  }

  /** Enter the room as somebody who watches. */
  async enter() {
    const user = userOfPage();
    if (problemOfName(user)) return this.#showEnd(refusalWords({ code: "bad_name" }));
    const token = new URLSearchParams(location.search).get("token") ?? undefined;
    this.#me = new Peer(serverOfPage(), { room: this.#room, user, token });
    window.exeunt = { me: this.#me, events: this.#events };
    for (const type of EVENTS) this.#me.on(type, (event) => this.#follow(event));
    this.#showRoom();
    try {
      await this.#me.join();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#showEnd(refusalWords(error));
    }
  }

  #wire() {
    const clicks = {
      publish: () => this.#publish(),
      unpublish: () => this.#unpublish(),
      "mute-audio": () => this.#toggleMute("audio"),
      "mute-video": () => this.#toggleMute("video"),
      leave: () => this.#me.leave(),
      again: () => this.enter(),
      sound: () => this.#stage.allowSound(),
      "close-room": () => this.#closeRoom(),
      "copy-address": () => this.#copyAddress(),
      "notice-close": () => this.#notify(""),
    };
    for (const [id, handler] of Object.entries(clicks)) $(id).addEventListener("click", handler);
    // A page that goes away leaves the room. The browser may keep it, and show it again as it was: then it comes anew.
    addEventListener("pagehide", () => (this.#wasInside = this.#me?.isInside ?? false)); // before the peer hears of it
    addEventListener("pageshow", ({ persisted }) => persisted && this.#wasInside && this.enter());
  }

  #follow(event) {
    this.#events.push(event);
    if (this.#events.length > MOST_EVENTS) this.#events.shift();
    this.#journal.add(event);
    this.#handlers[event.type]?.(event);
    this.#showCount();
  }

  #handlers = {
    enterRoom: () => this.#showInside(),
    roomChanged: (event) => this.#showOtherRoom(event),
    muted: (event) => this.#showThatWeAreMuted(event),
    tokenExpiring: (event) => this.#notify(`${eventWords(event).title} ${eventWords(event).detail}.`),
    remoteUserJoin: ({ user }) => this.#addTile(user),
    remoteUserPublished: ({ user }) => this.#showMedia(user),
    remoteUserUnpublished: ({ user }) => this.#showMedia(user),
    remoteUserMuted: ({ user }) => this.#showMedia(user),
    remoteUserUnmuted: ({ user }) => this.#showMedia(user),
    remoteUserUnreachable: ({ user }) => this.#stage.tile(user).setUnreachable(performance.now()),
    remoteUserBack: ({ user }) => this.#stage.tile(user).setUnreachable(null),
    remoteUserLeave: ({ user }) => this.#stage.remove(user),
    track: ({ user, stream }) => this.#stage.attach(user, stream),
    connectionLost: () => this.#showLine("Reconnecting…"),
    connectionBack: () => this.#showLine(""),
    sourceEnded: (event) => this.#showThatSourceEnded(event),
    error: ({ text }) => this.#notify(text),
    exitRoom: (event) => this.#showEnd(exitWords(event)),
  };

  #showOtherRoom(event) {
    this.#stage.removeOthers();
    this.#nameRoom(event.room);
    this.#notify(`${eventWords(event).title}.`);
    $("close-room").hidden = !this.#moderates;
  }

  #showThatWeAreMuted(event) {
    const { title, detail } = eventWords(event);
    this.#notify(`${title}: ${detail}.`);
    this.#showMuted();
  }

  #showThatSourceEnded({ device }) {
    this.#notify(`“${device}” has ended: it may have been unplugged.`);
    if (this.#me.published.size === 0) this.#stage.showOwn(null, null);
    this.#showPublished();
  }

  #showMedia(user) {
    this.#stage.tile(user).setMedia(this.#me.users.get(user));
  }

  #nameRoom(room) {
    $("room-name").textContent = room;
    document.title = `${room} · Exeunt`;
  }

  #addTile(user) {
    const entry = this.#me.users.get(user);
    const onMenu = this.#moderates && (() => this.#kick(user));
    this.#stage.add(entry, { onMenu });
  }

  get #mayPublish() {
    return this.#me.grants.includes("publish");
  }

  get #moderates() {
    return this.#me.grants.includes("moderate") || this.#me.grants.includes("admin");
  }

  async #publish() {
    this.#stage.allowSound();
    this.#notify("");
    $("publish").disabled = true;
    try {
      const stream = await openDevices();
      await this.#me.publish(stream);
      this.#hadDevices = true;
      this.#stage.showOwn(this.#me.user, stream);
      this.#showPublished();
    } catch (error) {
      this.#notify(error.message);
    } finally {
      $("publish").disabled = false;
    }
  }

  #unpublish() {
    this.#me.unpublish();
    this.#stage.showOwn(null, null);
    this.#showPublished();
  }

  #toggleMute(kind) {
    if (this.#me.muted.has(kind)) this.#me.unmute(kind);
    else this.#me.mute(kind);
    this.#showMuted();
  }

  async #kick(user) {
    $("kick-user").textContent = user;
    const answer = await ask($("kick-dialog"));
    if (answer) this.#order(() => this.#me.kick(user, answer.text, { banFor: Number(answer.banFor) || null }));
  }

  async #closeRoom() {
    const answer = await ask($("close-dialog"));
    if (answer) this.#order(() => this.#me.dismiss(answer.text));
  }

  #order(say) {
    try {
      say();
    } catch (error) {
      this.#notify(error.message);
    }
  }

  async #copyAddress() {
    // The room's address alone: whoever gets it must come with their own name and invitation.
    const address = new URL(location.pathname, location.href).href;
    try {
      await navigator.clipboard.writeText(address);
      this.#notify("The address of this room is copied.");
    } catch {
      this.#notify(address);
    }
  }

  #showRoom() {
    $("end").hidden = true;
    $("room").hidden = false;
    this.#hadDevices = false;
    this.#notify("");
    this.#showLine("Entering…");
    this.#showPublished();
    $("close-room").hidden = true;
    $("room-count").textContent = "";
  }

  #showInside() {
    this.#showLine("");
    $("close-room").hidden = !this.#moderates;
    $("publish").hidden = !this.#mayPublish;
    this.#stage.open();
  }

  #showPublished() {
    const { published } = this.#me;
    $("publish").hidden = published.size > 0 || !this.#me.isInside || !this.#mayPublish;
    $("unpublish").hidden = published.size === 0;
    $("mute-audio").hidden = !published.has("audio");
    $("mute-video").hidden = !published.has("video");
    this.#showMuted();
  }

  #showMuted() {
    const { muted } = this.#me;
    $("mute-audio").setAttribute("aria-pressed", String(muted.has("audio")));
    $("mute-video").setAttribute("aria-pressed", String(muted.has("video")));
    this.#stage.own?.setMedia(this.#me);
  }

  #showCount() {
    const count = this.#me.users.size + 1;
    $("room-count").textContent = count === 1 ? "only you" : `${count} people`;
  }

  #showLine(text) {
    $("room-line").textContent = text;
    $("room-line").hidden = text === "";
  }

  #notify(text) {
    $("notice-text").textContent = text;
    $("notice").hidden = text === "";
  }

  #showEnd({ title, text }) {
    this.#stage.close();
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    $("room").hidden = true;
    $("end-title").textContent = title;
    $("end-text").textContent = text;
    $("end-devices").hidden = !this.#hadDevices;
    $("end").hidden = false;
    $("end-title").focus();
  }
}
