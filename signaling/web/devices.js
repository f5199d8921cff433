/** Camera and microphone: asked for only when somebody wants to show themselves. */

const PROBLEMS = {
  NotAllowedError: "The browser does not let this page use your camera and microphone. Allow it in the address bar, then try again.",
  NotFoundError: "No camera and no microphone was found. Plug one in, then try again.",
  NotReadableError: "Camera or microphone does not start: another program may be using it.",
  OverconstrainedError: "The camera offers no picture that can be used.",
};
const NO_DEVICES = PROBLEMS.NotFoundError;
const INSECURE = "Browsers allow camera and microphone only on pages that come over https, or from this very computer.";
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 } };

/** Open what there is of camera and microphone. Throws an Error whose message is for the person. */
export async function openDevices() {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
  const kinds = new Set((await navigator.mediaDevices.enumerateDevices()).map(({ kind }) => kind));
  const wanted = { audio: kinds.has("audioinput"), video: kinds.has("videoinput") && PICTURE };
  if (!wanted.audio && !wanted.video) throw new Error(NO_DEVICES);
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw new Error(PROBLEMS[error.name] ?? `Camera and microphone cannot be used: ${error.message}`, { cause: error });
  }
}
