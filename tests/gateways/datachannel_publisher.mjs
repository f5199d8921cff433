// A WHIP publisher made of libdatachannel, in the way that OBS Studio is one (its plugins/obs-webrtc/whip-output.cpp):
// the same offer, without candidates and with none to follow; the answer's codecs taken as offered; key frames when the
// encoder makes one and never when asked; what is encoded before the connection is there is lost; the connection is
// closed before the DELETE.
//
// node datachannel_publisher.mjs MODULES URL MEDIA     says each state; SIGTERM: ends, and says the DELETE's status
//
// MEDIA is JSON: {"video": [base64, …], "audio": [base64, …]}, H.264 (Annex B) of 15 pictures a second that begin with a
// key frame, and Opus packets of 20 ms, which are said again and again.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, url, media] = process.argv.slice(2);
const rtc = createRequire(`${modules}/`)("node-datachannel");
const VIDEO = { kind: "video", every: 1000 / 15, clockRate: 90_000, payloadType: 96 }; // every: milliseconds
const AUDIO = { kind: "audio", every: 20, clockRate: 48_000, payloadType: 111 };
const CNAME = "kWnMzvgu4t2SUA3b";
const STREAM = "Y2mCQY8fTcgmh6pA";
const SSRC = 1_234_567;
const FRAGMENT = 1200; // bytes
const REMEMBERED = 4000; // packets that can be sent once more

function packetizer({ kind, clockRate, payloadType }, ssrc) {
  const config = new rtc.RtpPacketizationConfig(ssrc, CNAME, payloadType, clockRate);
  const first =
    kind === "video"
      ? new rtc.H264RtpPacketizer("StartSequence", config, FRAGMENT)
      : new rtc.RtpPacketizer(config);
  first.addToChain(new rtc.RtcpSrReporter(config));
  first.addToChain(new rtc.RtcpNackResponder(REMEMBERED));
  return [config, first];
}

function addTrack(pc, form, mid, ssrc) {
  const description = new (form.kind === "video" ? rtc.Video : rtc.Audio)(mid, "SendOnly");
  if (form.kind === "video") description.addH264Codec(form.payloadType);
  else description.addOpusCodec(form.payloadType);
  description.addSSRC(ssrc, CNAME, STREAM, `${STREAM}-${form.kind}`);
  const track = pc.addTrack(description);
  const [config, handler] = packetizer(form, ssrc);
  track.setMediaHandler(handler);
  return { ...form, track, config };
}

// What is due is said, however late the timer is; the clock of the medium goes on whether or not anybody hears it.
function play({ kind, every, clockRate, track, config }, frames) {
  const began = performance.now();
  let number = 0;
  return setInterval(() => {
    for (; began + number * every <= performance.now(); number += 1) {
      config.timestamp = Math.round((number * every * clockRate) / 1000);
      if (track.isOpen()) track.sendMessageBinary(frames[number % frames.length]);
    }
  }, every / 2);
}

const texts = JSON.parse(readFileSync(media, "utf8"));
const pc = new rtc.PeerConnection("obs", { iceServers: [] });
pc.onStateChange((state) => console.log(state));
const tracks = [addTrack(pc, AUDIO, "0", SSRC), addTrack(pc, VIDEO, "1", SSRC + 1)];
const offered = new Promise((done) => pc.onLocalDescription(done));
pc.setLocalDescription("offer");
const headers = { "Content-Type": "application/sdp" };
const offer = (await offered).replace(/^a=(candidate|end-of-candidates).*\r\n/gm, "");
const answer = await fetch(url, { method: "POST", headers, body: offer });
if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
pc.setRemoteDescription(await answer.text(), "answer");
const timers = tracks.map((one) => play(one, texts[one.kind].map((text) => Buffer.from(text, "base64"))));

process.on("SIGTERM", async () => {
  timers.forEach(clearInterval);
  pc.close();
  const gone = await fetch(new URL(answer.headers.get("Location"), url), { method: "DELETE" });
  console.log("deleted", gone.status);
  rtc.cleanup();
  process.exit(0);
});
