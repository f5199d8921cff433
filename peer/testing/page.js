(tell) => {
  // Runs before the page's own scripts. Tells every event of the room, and lets a test look at tracks and pictures.
  const preferred = "%CODEC%"; // the only codec for pictures, if it is not empty
  const calls = [];

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      calls.push(this);
    }

    async setLocalDescription(...description) {
      if (!preferred) return super.setLocalDescription(...description);
      for (const transceiver of this.getTransceivers()) prefer(transceiver);
      await super.setLocalDescription(...description);
      for (const sender of this.getSenders()) await sendOnly(sender);
    }
  };

  function prefer(transceiver) {
    if (transceiver.receiver.track.kind !== "video") return;
    const own = `video/${preferred}`.toLowerCase();
    const isKept = ({ mimeType }) => mimeType.toLowerCase() === own || /\/(rtx|red|ulpfec)$/i.test(mimeType);
    const kept = RTCRtpReceiver.getCapabilities("video").codecs.filter(isKept);
    transceiver.setCodecPreferences(kept);
  }

  /** Chromium sends the first codec of an offer even if its own answer left that out. */
  async function sendOnly(sender) {
    const parameters = sender.getParameters();
    const codec = parameters.codecs?.find(({ mimeType }) => mimeType.toLowerCase() === `video/${preferred}`.toLowerCase());
    if (!codec || !parameters.encodings.length) return;
    for (const encoding of parameters.encodings) encoding.codec = codec;
    await sender.setParameters(parameters);
  }

  let shown;
  Object.defineProperty(window, "exeunt", {
    configurable: true,
    get: () => shown,
    set(room) {
      shown = room;
      const { events } = room;
      const push = events.push.bind(events);
      events.push = (...some) => {
        for (const { stream: _, track: __, ...event } of some) tell(JSON.stringify({ event: { session: room.me.session, ...event } }));
        return push(...some);
      };
    },
  });

  const trackOf = (user, kind) =>
    shown?.me.users.get(user)?.stream.getTracks().find((track) => track.kind === kind && track.readyState === "live");

  /** The "inbound-rtp" of what comes from a user, with the codec's name; null while nothing comes. */
  async function received(user, kind) {
    const track = trackOf(user, kind);
    const receiver = calls.flatMap((call) => call.getReceivers()).find((one) => one.track === track);
    if (!track || !receiver) return null;
    const entries = [...(await receiver.getStats()).values()];
    const stats = entries.find(({ type }) => type === "inbound-rtp");
    if (!stats) return null;
    return { ...stats, codec: entries.find(({ id }) => id === stats.codecId)?.mimeType.split("/")[1] ?? null };
  }

  /** The "outbound-rtp" of what goes to each other user, with the codec's name. */
  async function sent(kind) {
    const reports = await Promise.all(calls.map((call) => call.getStats()));
    return reports.flatMap((report) => {
      const entries = [...report.values()];
      const ours = entries.filter((one) => one.type === "outbound-rtp" && one.kind === kind);
      const codecOf = ({ codecId }) => entries.find(({ id }) => id === codecId)?.mimeType.split("/")[1] ?? null;
      return ours.map((stats) => ({ ...stats, codec: codecOf(stats) }));
    });
  }

  const videos = new Map();

  /** What a user's picture shows now: {width, height, rgba} with the pixels as base64; null without a picture. */
  async function pixels(user) {
    const track = trackOf(user, "video");
    if (!track) return null;
    const video = videos.get(track.id) ?? (await play(track));
    const { videoWidth: width, videoHeight: height } = video;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    const bytes = context.getImageData(0, 0, width, height).data;
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return { width, height, rgba: btoa(text) };
  }

  async function play(track) {
    const video = Object.assign(document.createElement("video"), { muted: true, srcObject: new MediaStream([track]) });
    videos.set(track.id, video);
    const shows = new Promise((next) => video.requestVideoFrameCallback(next));
    await video.play();
    await shows;
    return video;
  }

  /** Use camera and microphone, small, and show them to everybody. */
  async function publish({ audio, video, width, height, frameRate }) {
    const picture = video && { width, height, frameRate };
    await shown.me.publish(await navigator.mediaDevices.getUserMedia({ audio, video: picture }));
  }

  window.exeuntTest = { calls, received, sent, pixels, publish };
}
