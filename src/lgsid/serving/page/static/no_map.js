// In place of a map where the browser cannot draw one: says so, and answers what a map answers.

import { make } from "./elements.js";

export class NoMap {
  constructor(container, reason) {
    container.append(
      make("div", { class: "no-map", role: "note" },
        make("p", {}, make("b", {}, "The map cannot be drawn here. "), reason),
        make("p", {}, "Everything else works: find a place by its name, or write a position as latitude, longitude."),
      ),
    );
    container.dataset.ready = "none";
  }

  paint() {}
  show() {}
  hover() {}
  reveal() {}
  frame() {}
  fit() {}
  restyle() {}
  resize() {}
  remove() {}
  isVisible() {
    return true;
  }
}
