// A semantic ID as a short text with the color of its place.

import { make } from "./elements.js";
import { sidText } from "./words.js";

export function sidMark(codes, color) {
  if (!codes.length) return make("span", { class: "sid none" }, "no codes");
  return make("span", { class: "sid", title: "Semantic ID" }, color && make("i", { class: "swatch", style: { "--color": color } }), sidText(codes));
}
