/**
 * One RTCPeerConnection with one other user, from its offer to its end. It is never restarted: a call that does not
 * work is closed and replaced by a new one with another id.
 *
 * The m-lines are fixed for life, in this order: audio, video, data channels. Both media are from the start what
 * our grants allow (`sendrecv`), whether or not there is something to send: to publish is `replaceTrack`, and nothing is
 * ever renegotiated.
 */

import { CHANNEL, readMessage } from "./channel.js";
import { LOSSY } from "./letter.js";

const CHANNEL_OPTIONS = { [LOSSY]: { ordered: false, maxRetransmits: 0 } };
const CONNECT_TIMEOUT = 15_000; // milliseconds from the offer to `connected`

/**
 * Tells its listener: say(message) what the other side must hear, track(track), connected(), failed(error or null),
 * opened() that the other side hears us, heard(message) what it says over the data channel, channel(channel) those for the
 * application's words. `channels`: the labels of those that there are. `failed` comes again after every CONNECT_TIMEOUT
 * without success, until the call is closed.
 */
export class Call {
  #pc;
  #listener;
  #direction;
  #local; // {stream, tracks: {audio, video}} of ours: the stream only names them, the tracks change
  #work = Promise.resolve(); // descriptions and candidates are applied one after the other
  #early = []; // candidates that came before the description they belong to
  #timer = null;
  #channels;
  #channel = null;
  #closed = false;

  constructor(id, { iceServers, iceTransportPolicy, local, direction, channels, listener }) {
    this.#channels = channels;
    this.#direction = direction;
    this.id = id;
    this.#local = local;
    this.#listener = listener;
    this.#pc = new RTCPeerConnection({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" });
    this.#pc.onicecandidate = ({ candidate }) => this.#sayCandidate(candidate);
    this.#pc.onconnectionstatechange = () => this.#watch();
    this.#pc.ontrack = ({ track }) => this.#listener.track(track);
    this.#pc.ondatachannel = ({ channel }) => this.#adoptChannel(channel);
    this.#expectConnection();
  }

  /** Whether media can flow at this moment. */
  get connected() {
    return this.#pc.connectionState === "connected";
  }

  /** Begin the call: we are the side that offers. */
  offer() {
    this.#then(async () => {
      const init = { direction: this.#direction, streams: [this.#local.stream] };
      for (const kind of ["audio", "video"]) {
        await this.#pc.addTransceiver(kind, init).sender.replaceTrack(this.#local.tracks[kind]);
      }
      for (const label of this.#channels) {
        this.#adoptChannel(this.#pc.createDataChannel(label, CHANNEL_OPTIONS[label]));
      }
      await this.#describe("offer");
    });
  }

  /** Begin the call: the other side has offered. */
  answer(sdp) {
    this.#then(async () => {
      await this.#hear({ type: "offer", sdp });
      for (const transceiver of this.#pc.getTransceivers()) {
        transceiver.direction = this.#direction;
        transceiver.sender.setStreams(this.#local.stream);
      }
      for (const kind of ["audio", "video"]) await this.#sender(kind)?.replaceTrack(this.#local.tracks[kind]);
      await this.#describe("answer");
    });
  }

  /** The other side has answered our offer. */
  accept(sdp) {
    this.#then(() => this.#hear({ type: "answer", sdp }));
  }

  /** The other side can be reached at one more address; an empty candidate ends the list. */
  addCandidate({ candidate, sdpMid = null, sdpMLineIndex = null }) {
    const init = candidate === "" ? null : { candidate, sdpMid, sdpMLineIndex };
    this.#then(async () => {
      if (this.#pc.remoteDescription === null) this.#early.push(init);
      else await this.#pc.addIceCandidate(init);
    });
  }

  /** Send another track of this kind from now on, or nothing (null). */
  replaceTrack(kind, track) {
    this.#then(() => this.#sender(kind)?.replaceTrack(track));
  }

  /** Say something straight to the other side, if there is a channel. */
  say(message) {
    if (this.#channel?.readyState !== "open") return;
    try {
      this.#channel.send(JSON.stringify(message));
    } catch (error) {
      console.warn("the data channel takes nothing more", error); // no reason not to go on leaving
    }
  }

  /** End the call. May be called twice. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pc.onicecandidate = this.#pc.onconnectionstatechange = this.#pc.ontrack = this.#pc.ondatachannel = null;
    if (this.#channel) this.#channel.onmessage = this.#channel.onopen = null;
    this.#pc.close();
  }

  #then(step) {
    this.#work = this.#work
      .then(() => (this.#closed ? undefined : step()))
      .catch((error) => {
        if (!this.#closed) this.#fail(error);
      });
  }

  async #hear(description) {
    await this.#pc.setRemoteDescription(description);
    for (const init of this.#early.splice(0)) await this.#pc.addIceCandidate(init);
  }

  async #describe(type) {
    await this.#pc.setLocalDescription();
    if (!this.#closed) this.#listener.say({ type, call: this.id, sdp: this.#pc.localDescription.sdp });
  }

  #sender(kind) {
    return this.#pc.getTransceivers().find(({ receiver }) => receiver.track.kind === kind)?.sender;
  }

  #sayCandidate(candidate) {
    // Some browsers mark the end by an empty candidate as well as by null: it is said once, for null.
    if (candidate?.candidate === "") return;
    const { sdpMid, sdpMLineIndex } = candidate ?? { sdpMid: null, sdpMLineIndex: null };
    this.#listener.say({ type: "candidate", call: this.id, candidate: candidate?.candidate ?? "", sdpMid, sdpMLineIndex });
  }

  #adoptChannel(channel) {
    if (channel.label !== CHANNEL) {
      if (this.#channels.includes(channel.label)) this.#listener.channel(channel);
      return;
    }
    this.#channel = channel;
    channel.onmessage = ({ data }) => {
      const message = readMessage(data);
      if (message) this.#listener.heard(message);
    };
    if (channel.readyState === "open") this.#listener.opened();
    else channel.onopen = () => this.#listener.opened();
  }

  #watch() {
    if (this.connected) {
      clearTimeout(this.#timer);
      this.#listener.connected();
    } else if (this.#pc.connectionState === "failed") {
      this.#fail(null);
    }
  }

  #expectConnection() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(null), CONNECT_TIMEOUT);
  }

  #fail(error) {
    this.#expectConnection();
    this.#listener.failed(error);
  }
}
