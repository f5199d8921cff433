/** One person on the stage: picture, sound, name, presence. */

const STALE = 3_000; // milliseconds without a new picture after which there is "no video"

export class Tile {
  #video;
  #audio;
  #frames = 0;
  #lastFrame = -Infinity;
  #unreachableSince = null;
  #hasPicture = true; // until they say otherwise

  /** `own`: a mirrored picture without sound. `onMenu`: the tile has a menu button, which calls it. */
  constructor(user, { own = false, onMenu = null } = {}) {
    this.element = document.getElementById("tile-template").content.firstElementChild.cloneNode(true);
    this.element.dataset.user = user;
    this.element.setAttribute("aria-label", user);
    this.element.classList.toggle("own", own);
    this.#find(".name").textContent = own ? `${user} (you)` : user;
    this.#find(".initials").textContent = initials(user);
    this.element.style.setProperty("--hue", hue(user));
    this.#video = this.#find("video");
    this.#audio = this.#find("audio");
    this.#video.addEventListener("loadeddata", () => this.#sawFrame());
    if (own) this.#audio.remove();
    if (onMenu) this.#showMenu(user, onMenu);
  }

  /** The element that plays this person's sound. */
  get audio() {
    return this.#audio;
  }

  /** Show and play these tracks. Sound and picture have an element each: sound must not wait for a first picture. */
  attach(stream) {
    this.#video.srcObject = new MediaStream(stream.getVideoTracks());
    this.#audio.srcObject = new MediaStream(stream.getAudioTracks());
    this.#video.muted = true;
    this.#frames = 0;
  }

  /** Say that the person cannot be reached since `since` (milliseconds of `performance.now()`), or can (null). */
  setUnreachable(since) {
    this.#unreachableSince = since;
    this.element.dataset.presence = since === null ? "here" : "unreachable";
    this.tick();
  }

  /** Say which kinds of media the person sends, and which they have muted. */
  setMedia({ published, muted }) {
    const isOff = (kind) => published.has(kind) && muted.has(kind);
    for (const mark of this.element.querySelectorAll(".muted-mark")) mark.toggleAttribute("hidden", !isOff(mark.dataset.kind));
    this.#find(".why").textContent = isOff("video") ? "camera off" : "no video";
    this.#hasPicture = published.has("video") && !isOff("video");
    this.tick();
  }

  /** Bring up to date what changes with time alone. */
  tick() {
    const now = performance.now();
    const frames = this.#video.getVideoPlaybackQuality().totalVideoFrames;
    if (frames !== this.#frames) this.#lastFrame = now;
    this.#frames = frames;
    this.#showPicture(this.#hasPicture && now - this.#lastFrame < STALE);
    const seconds = Math.floor((now - this.#unreachableSince) / 1000);
    this.#find(".badge").textContent = this.#unreachableSince === null ? "here" : `unreachable, since ${seconds} s`;
  }

  /** Take the person off the stage. */
  remove() {
    this.#video.srcObject = null;
    this.#audio.srcObject = null;
    this.element.remove();
  }

  #sawFrame() {
    this.#lastFrame = performance.now();
    this.tick();
  }

  #showPicture(isOn) {
    this.element.dataset.picture = isOn ? "on" : "off";
  }

  #showMenu(user, onMenu) {
    const button = this.#find(".menu");
    button.hidden = false;
    button.setAttribute("aria-label", `Remove ${user} from the room`);
    button.title = "Remove from the room";
    button.addEventListener("click", onMenu);
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }
}

function initials(user) {
  const parts = user.split(/[._@+-]+/).filter(Boolean);
  const letters = parts.length > 1 ? parts[0][0] + parts[1][0] : user.slice(0, 2);
  return letters.toUpperCase();
}

/** A colour that is always the same for a name. */
function hue(user) {
  let sum = 0;
  for (const letter of user) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}
