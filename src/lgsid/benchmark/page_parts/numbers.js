// How numbers are written, and the scales of figures.

const MINUS = "\u2212";

// `bare`: no zero before the point, for numbers that never exceed one.
function fixed(value, digits, bare) {
  const text = Math.abs(value).toFixed(digits);
  const sign = value < 0 && Number(text) !== 0 ? MINUS : "";
  return sign + (bare && text.startsWith("0.") ? text.slice(1) : text);
}

function signed(value, digits, bare) {
  const text = fixed(value, digits, bare);
  return value > 0 && Number(value.toFixed(digits)) !== 0 ? `+${text}` : text;
}

function rangeText(low, high, digits, bare) {
  const dash = low < 0 || high < 0 ? " to " : "\u2013";
  return fixed(low, digits, bare) + dash + fixed(high, digits, bare);
}

function pText(p) {
  if (p < 0.001) return "p < .001";
  return `p = ${fixed(p, p < 0.095 ? 3 : 2, true)}`;
}

function durationText(seconds) {
  if (seconds === 60) return "1 min";
  if (seconds < 9.95) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 5940) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function memoryText(megabytes) {
  if (megabytes < 999.5) return `${Math.round(megabytes)} MB`;
  return `${Number((megabytes / 1024).toFixed(1))} GB`;
}

function countText(count) {
  return count.toLocaleString("en");
}

function linearScale(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

function logScale(low, high, from, to) {
  const linear = linearScale(Math.log(low), Math.log(high), from, to);
  return (value) => linear(Math.log(value));
}

// Round numbers between two bounds, about `count` of them.
function roundTicks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), Math.max(low, high));
}
