// Numbers, times and durations as people read them.

const number = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const compactNumber = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1});

export const count = n => number.format(n);
export const compact = n => (Math.abs(n) < 10000 ? number.format(n) : compactNumber.format(n));
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;
export const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

/** A metric in the paper's precision. */
export function metric(name, value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return value.toFixed(/^(PSNR|FID)/.test(name) ? 2 : 4);
}

/** Up to four significant digits, no needless zeros. */
export function plain(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

export function bytes(n) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) { n /= 1000; ++at; }
  return `${at ? n.toFixed(1) : n} ${units[at]}`;
}

const two = n => String(n).padStart(2, '0');

/** 2026-11-25 10:22:03, in the reader's time zone. */
export function time(milliseconds) {
  if (!milliseconds) return '–';
  const d = new Date(milliseconds);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ` +
    `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function ago(milliseconds) {
  if (!milliseconds) return '–';
  const seconds = (Date.now() - milliseconds) / 1000;
  return seconds < 5 ? 'just now' : `${duration(seconds)} ago`;
}

export const short = id => String(id).slice(0, 10);

/** RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csv(rows) {
  const cell = value => {
    let text = value === null || value === undefined ? '' : String(value);
    if (typeof value === 'string' && /^[=+@\t]|^-[^0-9.]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return rows.map(row => row.map(cell).join(',')).join('\r\n') + '\r\n';
}
