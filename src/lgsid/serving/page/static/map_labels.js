// Texts over the map as HTML: names of regions where there is room, and the name of the place under the pointer.

import { make } from "./elements.js";

const PADDING = 4;

export class MapLabels {
  constructor(map, container, ground) {
    this.map = map;
    this.layer = make("div", { class: "labels", "aria-hidden": "true" });
    map.getCanvas().after(this.layer); // under the markers
    this.regions = ground.features
      .filter(({ properties }) => properties.kind === "region")
      .sort((a, b) => a.properties.level - b.properties.level || b.properties.places - a.properties.places)
      .map(({ properties }) => {
        const element = make("span", { class: `region level-${Math.min(properties.level, 2)}` }, properties.name);
        return { element, at: properties.label, level: properties.level, width: 0, height: 0 };
      });
    this.layer.append(...this.regions.map(({ element }) => element));
    this.tip = make("span", { class: "tip", hidden: true, "aria-hidden": "true" });
    container.append(this.tip);
    for (const region of this.regions) {
      region.width = region.element.offsetWidth;
      region.height = region.element.offsetHeight;
    }
    map.on("move", () => this.place());
    map.on("resize", () => this.place());
    this.place();
  }

  place() {
    const { clientWidth: width, clientHeight: height } = this.layer;
    const taken = [];
    const fine = this.map.getZoom() > this.fineFrom();
    for (const { element, at, level, ...size } of this.regions) {
      const { x, y } = this.map.project(at);
      const box = { left: x - size.width / 2 - PADDING, top: y - size.height / 2 - PADDING, right: x + size.width / 2 + PADDING, bottom: y + size.height / 2 + PADDING };
      const isSeen = box.left > 0 && box.top > 0 && box.right < width && box.bottom < height;
      const isFree = taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
      const isShown = isSeen && isFree && (level === 1 ? !fine : fine && level === 2);
      element.classList.toggle("shown", isShown);
      if (!isShown) continue;
      taken.push(box);
      element.style.transform = `translate(${Math.round(x - size.width / 2)}px, ${Math.round(y - size.height / 2)}px)`;
    }
  }

  // Fine regions get their names from a zoom at which a screen shows about a sixth of the city.
  fineFrom() {
    return (this.wholeZoom ?? 11) + 1.3;
  }

  point(lngLat, name, note) {
    this.tip.hidden = !name;
    if (!name) return;
    this.tip.replaceChildren(make("b", {}, name), ...(note ? [make("span", {}, note)] : []));
    const { x, y } = this.map.project(lngLat);
    const left = Math.min(Math.max(6, x - this.tip.offsetWidth / 2), this.layer.clientWidth - this.tip.offsetWidth - 6);
    const above = y - this.tip.offsetHeight - 14;
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(above < 4 ? y + 14 : above)}px)`;
  }
}
