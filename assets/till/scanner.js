// Codes that come from outside: a scanner that types like a keyboard, only faster than any person, and the camera.

/** Longest pause between two keys of a scanner, in milliseconds; people need twice as long. */
const PAUSE = 60;
/** Fewer characters than this are typing; in a field of its own, such as a weight, even more are. */
const SHORTEST = 5;
const SHORTEST_ELSEWHERE = 8;

/** A scanner types as if the keyboard were a Latin one, whatever layout the system has at the moment. */
function character(event) {
  if (event.key.length !== 1) return null;
  if (event.key.charCodeAt(0) < 128) return event.key;
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter) return event.shiftKey ? letter[1] : letter[1].toLowerCase();
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  return digit ? digit[1] : event.key;
}

/** Hears scanners wherever the focus is; calls `found` with the text of a code. Gives what ends it. */
export function hearScanner(found) {
  let typed = '';
  let last = 0;
  let field = null;
  let before = '';
  const onKey = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key === 'Shift') return;
    const at = event.timeStamp;
    const fast = at - last <= PAUSE;
    last = at;
    const least = field?.id === 'guest' || field?.id === 'entry' || !('value' in (field ?? {})) ? SHORTEST : SHORTEST_ELSEWHERE;
    if (event.key === 'Enter' && fast && typed.length >= least) {
      event.preventDefault();
      event.stopPropagation();
      // The code went into whatever field had the focus: it gets back what it had.
      if (field?.isConnected && 'value' in field) {
        field.value = before;
        field.dispatchEvent(new Event('input', { bubbles: true }));
      }
      const code = typed;
      typed = '';
      found(code);
      return;
    }
    const one = character(event);
    if (one === null) { typed = ''; return; }
    if (!fast) {
      typed = '';
      field = event.target;
      before = 'value' in field ? field.value : '';
    }
    typed += one;
  };
  window.addEventListener('keydown', onKey, true);
  return () => window.removeEventListener('keydown', onKey, true);
}

/** Whether this browser can read codes with a camera. */
export const cameraReads = () => 'BarcodeDetector' in window && Boolean(navigator.mediaDevices?.getUserMedia);

/** Shows the camera in `video` and calls `found` once. Gives what stops it; throws where there is no camera. */
export async function watchCamera(video, found) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  video.srcObject = stream;
  await video.play();
  const wanted = ['qr_code', 'ean_13', 'ean_8', 'code_128', 'code_39', 'itf', 'upc_a', 'data_matrix'];
  const can = await window.BarcodeDetector.getSupportedFormats();
  const detector = new window.BarcodeDetector({ formats: wanted.filter((f) => can.includes(f)) });
  let going = true;
  const stop = () => {
    going = false;
    stream.getTracks().forEach((track) => track.stop());
  };
  const look = async () => {
    if (!going) return;
    const codes = await detector.detect(video).catch(() => []);
    if (!going) return;
    if (codes.length) {
      stop();
      found(codes[0].rawValue);
    } else {
      setTimeout(look, 150);
    }
  };
  look();
  return stop;
}
