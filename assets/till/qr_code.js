// A QR code, drawn here: what it says goes to nobody else.
import { html } from './vendor/preact-htm.js';
import qrcode from './vendor/qrcode.js';

/** A code as squares; black on white whatever the theme is: cameras want it so. */
export function Code({ text, label }) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = '';
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) if (code.isDark(y, x)) path += `M${x + 2} ${y + 2}h1v1h-1z`;
  return html`<svg class="qr" viewBox="0 0 ${size + 4} ${size + 4}" role="img" aria-label=${label}><rect width="100%" height="100%" fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}
