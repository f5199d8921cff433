/** The page of a room: watch, join with camera, leave, and be told why it is over. */

import { openDevices } from "./devices.js";
import { ask } from "./dialogs.js";
import { Peer, Refused } from "./exeunt.js";
import { Journal } from "./journal.js";
import { problemOfName, serverOfPage, userOfPage } from "./names.js";
import { Stage } from "./stage.js";
import { exitWords, mutedKinds, refusalWords } from "./words.js";

const EVENTS = [
  ...["enterRoom", "remoteUserJoin", "remoteUserUpdate", "remoteUserUnreachable", "remoteUserBack", "remoteUserLeave"],
  ...["connectionLost", "connectionBack", "track", "sourceEnded", "error", "exitRoom"],
];
const MOST_EVENTS = 1_000; // kept for whoever looks at `window.exeunt.events`

const $ = (id) => document.getElementById(id);

export class RoomPage {
  #room;
  #me = null;
  #events = [];
  #hadDevices = false;
  #journal = new Journal();
  #stage = new Stage($("stage"), {
    empty: $("stage-empty"),
    onSoundRefused: (isRefused) => $("sound").toggleAttribute("hidden", !isRefused),
  });

  constructor(room) {
    this.#room = room;
    $("room-name").textContent = room;
    document.title = `${room} · Exeunt`;
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
    remoteUserJoin: ({ user }) => this.#addTile(user),
    remoteUserUpdate: ({ user, extra }) => this.#stage.tile(user).setMuted(mutedKinds(extra)),
    remoteUserUnreachable: ({ user }) => this.#stage.tile(user).setUnreachable(performance.now()),
    remoteUserBack: ({ user }) => this.#stage.tile(user).setUnreachable(null),
    remoteUserLeave: ({ user }) => this.#stage.remove(user),
    track: ({ user, stream }) => this.#stage.attach(user, stream),
    connectionLost: () => this.#showLine("Reconnecting…"),
    connectionBack: () => this.#showLine(""),
    sourceEnded: ({ device }) => this.#notify(`“${device}” has ended: it may have been unplugged.`),
    error: ({ text }) => this.#notify(text),
    exitRoom: (event) => this.#showEnd(exitWords(event)),
  };

  #addTile(user) {
    const entry = this.#me.users.get(user);
    const onMenu = this.#moderates && (() => this.#kick(user));
    this.#stage.add(entry, { muted: mutedKinds(entry.extra), onMenu });
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
      this.#showPublished(stream);
    } catch (error) {
      this.#notify(error.message);
    } finally {
      $("publish").disabled = false;
    }
  }

  #unpublish() {
    this.#me.unpublish();
    this.#stage.showOwn(null, null);
    this.#showPublished(null);
  }

  #toggleMute(kind) {
    if (this.#me.muted.has(kind)) this.#me.unmute(kind);
    else this.#me.mute(kind);
    this.#showMuted();
    this.#me.updateExtra({ ...this.#me.extra, muted: [...this.#me.muted] });
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
    this.#showPublished(null);
    $("close-room").hidden = true;
    $("room-count").textContent = "";
  }

  #showInside() {
    this.#showLine("");
    $("close-room").hidden = !this.#moderates;
    $("publish").hidden = false;
    this.#stage.open();
  }

  #showPublished(stream) {
    $("publish").hidden = Boolean(stream) || !this.#me.isInside;
    $("unpublish").hidden = !stream;
    $("mute-audio").hidden = !stream?.getAudioTracks().length;
    $("mute-video").hidden = !stream?.getVideoTracks().length;
    this.#showMuted();
  }

  #showMuted() {
    const { muted } = this.#me;
    $("mute-audio").setAttribute("aria-pressed", String(muted.has("audio")));
    $("mute-video").setAttribute("aria-pressed", String(muted.has("video")));
    this.#stage.own?.setMuted([...muted]);
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
