// Colors of prefixes. The first code gives the hue, as in the figures of a report; further codes shade it, so that the
// places of one first code stay alike at every depth. Dark mode lifts all colors alike.

const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const encoded = (value) => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// OKLab (Ottosson 2020) in polar form: lightness, chroma, hue in radians.
function toLch(hex) {
  const [r, g, b] = parts(hex).map(linear);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const a = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const c = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, Math.hypot(a, c), Math.atan2(c, a)];
}

function toHex([lightness, chroma, hue]) {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const bytes = rgb.map((value) => Math.round(255 * clamp(encoded(clamp(value, 0, 1)), 0, 1)));
  return `#${bytes.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

const LIGHTER = [0, 0.1, -0.1, 0.05, -0.05]; // steps of lightness of the second code, by the code
const TURN = [0, 0.3, -0.3]; // and of hue, in radians

// The color of a prefix, an array of codes, whose first code has the color `base`.
export function prefixColor(base, codes, isDark) {
  let [lightness, chroma, hue] = toLch(base);
  codes.slice(1).forEach((code, level) => {
    const strength = level === 0 ? 1 : 0.5;
    lightness += strength * LIGHTER[code % LIGHTER.length];
    hue += strength * TURN[Math.floor(code / LIGHTER.length) % TURN.length];
  });
  lightness = clamp(lightness, 0.28, 0.88);
  if (isDark) lightness = 0.42 + 0.52 * lightness;
  return toHex([lightness, chroma, hue]);
}
