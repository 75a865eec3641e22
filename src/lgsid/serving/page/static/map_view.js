// One map: the places in the colors of their prefixes, the spot, what is recommended, and the keys that move it.

import { make } from "./elements.js";
import { EMPTY, groundStyle } from "./ground_style.js";
import { GRAY } from "./groups.js";
import { MapLabels } from "./map_labels.js";

const NEAR_PX = 7; // a click this close to a place means the place
const NEAR_TOUCH_PX = 16;
const KM_PER_DEGREE = 111.195;

export class MapView {
  // `library` is MapLibre GL; `calls` has onSpot(spot), onPlace(row), onHover(row or null) and onMoved().
  constructor(library, container, city, ground, isDark, calls) {
    Object.assign(this, { library, container, city, ground, calls, markers: [], painted: null, shown: null, hovered: null });
    const [west, south, east, north] = city.table.bounds ?? [-180, -60, 180, 75];
    this.bounds = [[west, south], [east, north]];
    this.map = new library.Map({
      container,
      style: groundStyle(ground, isDark, city.size),
      bounds: this.bounds,
      fitBoundsOptions: { padding: this.room() },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      fadeDuration: 0,
      renderWorldCopies: false,
      locale: { "Map.Title": "Map of the places. Arrow keys move it, plus and minus zoom, Enter asks at the crosshair." },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new library.ScaleControl({ maxWidth: 90 }), "bottom-right");
    container.append(make("div", { class: "crosshair", "aria-hidden": "true" }), this.buttons());
    this.map.on("load", () => this.start());
    this.listen();
  }

  start() {
    this.isReady = true;
    this.labels = new MapLabels(this.map, this.container, this.ground);
    this.wholeZoom = this.map.getZoom();
    this.resize();
    this.labels.place();
    this.paint(...(this.painted ?? [null]));
    if (this.shown) this.show(this.shown);
    this.container.dataset.ready = "true";
  }

  listen() {
    this.map.on("click", ({ point, lngLat, originalEvent }) => {
      const row = this.rowAt(point, originalEvent.pointerType === "touch" ? NEAR_TOUCH_PX : NEAR_PX);
      if (row === null) this.calls.onSpot({ lat: lngLat.lat, lon: lngLat.lng });
      else this.calls.onPlace(row);
    });
    this.map.on("mousemove", ({ point }) => {
      const row = this.rowAt(point, NEAR_PX);
      this.map.getCanvas().style.cursor = row === null ? "crosshair" : "pointer";
      if (row !== this.hovered) this.calls.onHover(row);
    });
    this.map.on("mouseout", () => this.calls.onHover(null));
    this.map.on("moveend", () => this.calls.onMoved(this));
    this.map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const { lat, lng } = this.map.getCenter();
      this.calls.onSpot({ lat, lon: lng });
    });
  }

  buttons() {
    const step = (by) => () => this.map.easeTo({ zoom: this.map.getZoom() + by });
    return make("div", { class: "zoom" },
      make("button", { type: "button", "aria-label": "Zoom in", onclick: step(1) }, "+"),
      make("button", { type: "button", "aria-label": "Zoom out", onclick: step(-1) }, "−"),
      make("button", { type: "button", "aria-label": "Show the whole city", title: "Whole city", onclick: () => this.fit() }, "⤢"),
    );
  }

  // The place nearest to a point on the screen, null if none is closer than `px`.
  rowAt(point, px) {
    if (!this.isReady) return null;
    const box = [[point.x - px, point.y - px], [point.x + px, point.y + px]];
    const found = this.map.queryRenderedFeatures(box, { layers: ["places"] }).filter(({ properties }) => !properties.dim);
    const away = ({ geometry }) => {
      const { x, y } = this.map.project(geometry.coordinates);
      return Math.hypot(x - point.x, y - point.y);
    };
    return found.length ? found.reduce((a, b) => (away(b) < away(a) ? b : a)).properties.row : null;
  }

  // Draws the places in the colors of a grouping: those for which `isMeant` is false dimmed, those of `closed` as rings.
  paint(grouping, isMeant, closed) {
    this.painted = [grouping, isMeant, closed];
    if (!this.isReady || !grouping) return;
    const features = [];
    for (let row = 0; row < this.city.size; row += 1) {
      const spot = this.city.spot(row);
      if (!spot) continue;
      const color = grouping.color(row);
      const dim = color === null || !isMeant(row);
      const properties = { row, color: color ?? GRAY, dim, closed: closed.has(row), order: dim ? 0 : 1 };
      features.push({ type: "Feature", properties, geometry: { type: "Point", coordinates: [spot.lon, spot.lat] } });
    }
    this.map.getSource("places").setData({ type: "FeatureCollection", features });
  }

  // Marks a spot with a radius in km, ranked rows, the rows of a history and one chosen row.
  show(marks) {
    this.shown = marks;
    if (!this.isReady) return;
    for (const marker of this.markers) marker.remove();
    const { spot, radius, results, history, place } = marks;
    this.markers = [
      ...history.map((row) => this.marker(row, make("span", { class: "been" }))),
      ...results.map(({ row, rank }) => this.marker(row, this.badge(row, rank))).reverse(),
      ...(spot ? [this.markerAt(spot, make("span", { class: "spot" }))] : []),
    ].filter(Boolean);
    const chosen = place === null ? null : this.city.spot(place);
    const at = chosen && { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [chosen.lon, chosen.lat] } };
    this.map.getSource("marked").setData(at ?? EMPTY);
    this.map.getSource("circle").setData(spot && radius ? ring(spot, radius) : EMPTY);
  }

  badge(row, rank) {
    const badge = make("span", { class: "badge", "data-row": row, "aria-hidden": "true" }, make("span", {}, rank));
    badge.addEventListener("click", (event) => {
      event.stopPropagation();
      this.calls.onPlace(row);
    });
    badge.addEventListener("mouseenter", () => this.calls.onHover(row));
    badge.addEventListener("mouseleave", () => this.calls.onHover(null));
    return badge;
  }

  marker(row, element) {
    const spot = this.city.spot(row);
    return spot && this.markerAt(spot, element);
  }

  markerAt({ lat, lon }, element) {
    return new this.library.Marker({ element: make("div", { class: "mark" }, element) }).setLngLat([lon, lat]).addTo(this.map);
  }

  // Names a place on the map; null names none.
  hover(row, note) {
    this.hovered = row;
    if (!this.isReady) return;
    const spot = row === null ? null : this.city.spot(row);
    this.labels.point(spot ? [spot.lon, spot.lat] : [0, 0], spot ? this.city.name(row) : "", note);
    for (const badge of this.container.querySelectorAll(".badge")) badge.classList.toggle("hot", Number(badge.dataset.row) === row);
  }

  // Moves so that a place can be seen; stays where it already can.
  reveal(spot) {
    if (spot && !this.map.getBounds().contains([spot.lon, spot.lat])) this.map.easeTo({ center: [spot.lon, spot.lat] });
  }

  // Zooms so that all of several spots can be seen, and little else.
  frame(spots) {
    const box = new this.library.LngLatBounds();
    for (const { lat, lon } of spots.filter(Boolean)) box.extend([lon, lat]);
    this.map.fitBounds(box, { padding: Math.min(90, this.container.clientWidth / 6), maxZoom: 15.5 });
  }

  fit() {
    this.map.fitBounds(this.bounds, { padding: this.room() });
  }

  // Room to leave at the edges for the whole city: on a wide map, the legend gets some of its own.
  room() {
    const { clientWidth: width, clientHeight: height } = this.container;
    return { top: 36, bottom: 28, right: 20, left: width > 1.15 * height && width > 700 ? Math.min(320, width - height) : 20 };
  }

  isVisible(row) {
    const spot = this.city.spot(row);
    return spot !== null && this.map.getBounds().contains([spot.lon, spot.lat]);
  }

  restyle(isDark) {
    this.isReady = false;
    this.map.setStyle(groundStyle(this.ground, isDark, this.city.size), { diff: false });
    this.map.once("style.load", () => {
      this.isReady = true;
      this.paint(...this.painted);
      if (this.shown) this.show(this.shown);
    });
  }

  // Fits the map to its frame; one that showed the whole city still does.
  resize() {
    const isWhole = this.wholeZoom !== undefined && Math.abs(this.map.getZoom() - this.wholeZoom) < 0.05;
    this.map.resize();
    this.wholeZoom = this.map.cameraForBounds(this.bounds, { padding: this.room() })?.zoom;
    if (this.labels) this.labels.wholeZoom = this.wholeZoom;
    if (isWhole) this.map.jumpTo(this.map.cameraForBounds(this.bounds, { padding: this.room() }));
  }

  remove() {
    this.map.remove();
  }
}

// Moves each map with the other.
export function synchronize(a, b) {
  let isBusy = false;
  for (const [from, to] of [[a, b], [b, a]]) {
    from.map.on("move", () => {
      if (isBusy) return;
      isBusy = true;
      to.map.jumpTo({ center: from.map.getCenter(), zoom: from.map.getZoom() });
      isBusy = false;
    });
  }
}

// A circle on the ground around a spot, as a polygon.
function ring({ lat, lon }, km) {
  const east = km / (KM_PER_DEGREE * Math.cos((lat * Math.PI) / 180));
  const corners = Array.from({ length: 73 }, (_, step) => {
    const angle = (step * Math.PI) / 36;
    return [lon + east * Math.cos(angle), lat + (km / KM_PER_DEGREE) * Math.sin(angle)];
  });
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [corners] } };
}
