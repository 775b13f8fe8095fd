// Amounts come as exact text; they become numbers only here, to be shown.
const minus = (text) => text.replace("-", "−");

const fixed = (value, digits) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const count = (value) => value.toLocaleString("en");

export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export const usd = (text) => (text === null ? "–" : minus(fixed(Number(text), 2)).replace(/^−(0\.0+)$/, "$1"));

export const dollars = (text) => (text === null ? "unknown" : `$${usd(text)}`);

export function signed(text) {
  if (text === null) return "–";
  const shown = fixed(Number(text), 2);
  return Number(shown.replaceAll(",", "")) === 0 ? "0.00" : minus(Number(text) > 0 ? `+${shown}` : shown);
}

export const percent = (text, sign = false) => {
  if (text === null) return "–";
  const value = (100 * Number(text)).toFixed(2);
  return `${Number(value) === 0 ? "0.00" : minus(sign && Number(value) > 0 ? `+${value}` : value)}\u00a0%`;
};

// A share with one digit, where more would say too much.
export const about = (text, sign = false) => {
  if (text === null) return "–";
  const value = (100 * Number(text)).toFixed(1);
  return `${Number(value) === 0 ? "0.0" : minus(sign && Number(value) > 0 ? `+${value}` : value)}\u00a0%`;
};

export const number = (text, digits = 2) => (text === null ? "–" : minus(fixed(Number(text), digits)));

// A funding rate, whose whole is small.
export const rate = (text) => `${minus((100 * Number(text)).toFixed(4))}\u00a0%`;

// The digits that matter, about seven: 93,500.1 and 0.14211.
export function price(text) {
  if (text === null) return "–";
  const value = Number(text);
  const size = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return minus(value.toLocaleString("en", { maximumFractionDigits: Math.max(2, 6 - size) }));
}

const DAY = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
const CLOCK = { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "UTC" };

export const clock = (text) => new Date(text).toLocaleTimeString("en-GB", CLOCK);

export const when = (text) => (text === null ? "–" : `${new Date(text).toLocaleDateString("en-GB", DAY)}, ${clock(text)}`);

const SHORT = { day: "numeric", month: "short", timeZone: "UTC" };

export const lately = (text) => `${new Date(text).toLocaleDateString("en-GB", SHORT)}, ${clock(text)}`;

export const tone = (text) => (Number(text ?? 0) > 0 ? "up" : Number(text ?? 0) < 0 ? "down" : "");

export const words = (name) => name.replaceAll("_", " ");

export function until(text, now = Date.now()) {
  const seconds = Math.round((new Date(text).getTime() - now) / 1000);
  if (seconds < 0) return `due since ${clock(text)} UTC`;
  const pad = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `in ${hours ? `${hours}:${pad(Math.floor(seconds / 60) % 60)}` : Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}
