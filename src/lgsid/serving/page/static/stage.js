// The maps with what stands over and under them: depth of the colors, comparison, choice of model and semantic IDs.

import { byId, fill, make } from "./elements.js";
import { MapView, synchronize } from "./map_view.js";
import { NoMap } from "./no_map.js";

// Loads MapLibre GL where the browser can draw with it; else gives the reason why not.
export async function loadLibrary() {
  if (!make("canvas").getContext("webgl2")) return { reason: "This browser has no WebGL, or it is switched off." };
  try {
    return { library: await import("./maplibre-gl/maplibre-gl.mjs") };
  } catch {
    return { reason: "This browser is too old for it." };
  }
}

export class Stage {
  constructor(city, ground, store, sides, loaded, calls) {
    Object.assign(this, { city, ground, store, sides, loaded, calls });
    this.toolbar();
    this.heads = sides.map((side) => this.head(side));
    this.frames = sides.map((side) => this.frame(side));
    fill(byId("views"), this.frames[0].element);
  }

  toolbar() {
    const { store, city } = this;
    const levels = Math.max(1, ...city.table.sids.map(({ sizes }) => sizes.length));
    const words = (depth) => (depth === 1 ? "1st code" : depth === levels ? `all ${levels} codes` : `${depth} codes`);
    const options = Array.from({ length: levels }, (_, level) => {
      const input = make("input", { type: "radio", name: "depth", value: level + 1, onchange: () => store.set({ depth: level + 1 }) });
      return make("label", {}, input, words(level + 1));
    });
    const compare = make("button", { type: "button", class: "plain", id: "compare", onclick: () => store.set({ isCompared: !store.get("isCompared") }) }, "Compare");
    const depth = make("fieldset", { class: "options", id: "depth" }, make("legend", {}, "Color by"), make("div", {}, options));
    fill(byId("toolbar"), city.table.sids.length > 0 && depth, compare);
    store.on(["depth"], () => options.forEach((option, level) => (option.firstChild.checked = level + 1 === store.get("depth"))));
    store.on(["isCompared"], () => {
      compare.setAttribute("aria-pressed", String(store.get("isCompared")));
      compare.textContent = store.get("isCompared") ? "Stop comparing" : "Compare";
    });
  }

  head(side) {
    const { city, store } = this;
    const choose = (changes) => store.set({ sides: store.get("sides").map((old, at) => (at === side.at ? { ...old, ...changes } : old)) });
    const named = (id, label, names, note, change) => {
      const select = make("select", { id: `${id}-${side.at}`, onchange: (event) => change(event.target.value) }, names.map((name) => make("option", { value: name }, note(name))));
      return { select, field: make("div", { class: "field" }, make("label", { for: select.id }, label), select) };
    };
    const models = city.table.models;
    const model = named("model", "Model", models.map(({ name }) => name), (name) => name, (name) => choose({ model: name, set: models.find((other) => other.name === name).sids ?? side.choice.set }));
    const sets = city.table.sids;
    const set = named("set", "Semantic IDs", sets.map(({ name }) => name), (name) => name, (name) => choose({ set: name }));
    store.on(["sides"], () => {
      model.select.value = side.choice.model;
      set.select.value = side.choice.set ?? "";
    });
    return make("div", { class: "head" }, model.field, sets.length > 0 && set.field);
  }

  frame(side) {
    const map = make("div", { class: "map" });
    const legend = make("details", { class: "legend" });
    const list = make("div", { class: "list", hidden: true });
    legend.open = window.matchMedia("(min-width: 1100px)").matches;
    const label = side.at ? "Second model and map" : "Model and map";
    const element = make("section", { class: "view", "aria-label": label }, make("div", { class: "map-box" }, map, legend), list);
    return { element, map, legend, list };
  }

  // Makes the map of a side, or what stands for it.
  start(side, isDark) {
    const { map } = this.frames[side.at];
    const { library, reason } = this.loaded;
    if (!reason) {
      try {
        side.view = new MapView(library, map, this.city, this.ground, isDark, this.calls(side));
        return;
      } catch {
        fill(map);
      }
    }
    side.view = new NoMap(map, reason ?? "Its WebGL does not work.");
  }

  // Puts the second map beside the first, or takes it away.
  compare(isCompared, isDark) {
    const [first, second] = this.sides;
    byId("views").classList.toggle("two", isCompared);
    document.body.classList.toggle("is-compared", isCompared);
    for (const { list } of this.frames) list.hidden = !isCompared;
    if (isCompared) this.frames.forEach(({ element }, at) => element.prepend(this.heads[at]));
    else byId("compare").before(this.heads[0]);
    if (isCompared && !second.view) {
      byId("views").append(this.frames[1].element);
      this.frames[1].legend.open = this.frames[0].legend.open = false;
      this.start(second, isDark);
      if (first.view.map && second.view.map) {
        second.view.map.jumpTo({ center: first.view.map.getCenter(), zoom: first.view.map.getZoom() });
        synchronize(first.view, second.view);
      }
    } else if (!isCompared && second.view) {
      second.view.remove();
      second.view = null;
      this.frames[1].element.remove();
      fill(this.frames[1].map);
    }
    first.view.resize();
  }
}
