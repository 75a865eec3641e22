// The look of the map: a plain ground with the borders of regions, and layers for what lies on it. Nothing is loaded:
// no tiles, no glyphs, no sprites.

const LIGHT = { water: "#e6eaef", ground: "#fbfbf9", border: "#c3cad2", coast: "#aeb7c1", paper: "#ffffff", accent: "#1a3e99" };
const DARK = { water: "#0d1013", ground: "#1b2026", border: "#3c444e", coast: "#4a535e", paper: "#14171b", accent: "#a9bdff" };

export const EMPTY = { type: "FeatureCollection", features: [] };

export function groundStyle(ground, isDark, nPlaces) {
  const colors = isDark ? DARK : LIGHT;
  const size = Math.min(1.5, Math.max(0.75, (2500 / Math.max(nPlaces, 1)) ** 0.25));
  const radius = (factor) => ["interpolate", ["exponential", 1.5], ["zoom"], 9, 1.7 * size * factor, 12, 3.8 * size * factor, 16, 11 * size * factor];
  const regions = (level) => ["all", ["==", ["get", "kind"], "region"], ["==", ["get", "level"], level]];
  return {
    version: 8,
    sources: {
      ground: { type: "geojson", data: ground },
      places: { type: "geojson", data: EMPTY },
      circle: { type: "geojson", data: EMPTY },
      marked: { type: "geojson", data: EMPTY },
    },
    layers: [
      { id: "water", type: "background", paint: { "background-color": colors.water } },
      { id: "ground", type: "fill", source: "ground", filter: ["==", ["get", "kind"], "ground"], paint: { "fill-color": colors.ground } },
      {
        id: "fine borders", type: "line", source: "ground", minzoom: 10.5, filter: regions(2),
        paint: { "line-color": colors.border, "line-width": 0.7, "line-opacity": ["interpolate", ["linear"], ["zoom"], 10.5, 0.25, 13, 0.8] },
      },
      { id: "borders", type: "line", source: "ground", filter: regions(1), paint: { "line-color": colors.border, "line-width": 1.4 } },
      { id: "coast", type: "line", source: "ground", filter: ["==", ["get", "kind"], "ground"], paint: { "line-color": colors.coast, "line-width": 1.1 } },
      { id: "reach", type: "fill", source: "circle", paint: { "fill-color": colors.accent, "fill-opacity": 0.06 } },
      { id: "edge of reach", type: "line", source: "circle", paint: { "line-color": colors.accent, "line-width": 1.5, "line-dasharray": [3, 2] } },
      {
        id: "places", type: "circle", source: "places",
        layout: { "circle-sort-key": ["get", "order"] },
        paint: {
          "circle-color": ["case", ["get", "closed"], colors.paper, ["get", "color"]],
          "circle-radius": radius(1),
          "circle-opacity": ["case", ["get", "dim"], 0.22, 0.95],
          "circle-stroke-color": ["case", ["get", "closed"], ["get", "color"], colors.paper],
          "circle-stroke-opacity": ["case", ["get", "dim"], 0.22, 1],
          "circle-stroke-width": ["case", ["get", "closed"], 1.6, ["get", "dim"], 0, 0.8],
        },
      },
      {
        id: "marked", type: "circle", source: "marked",
        paint: {
          "circle-color": "rgba(0, 0, 0, 0)",
          "circle-radius": ["interpolate", ["exponential", 1.5], ["zoom"], 9, 6, 12, 8, 16, 16],
          "circle-stroke-color": colors.accent,
          "circle-stroke-width": 2.5,
        },
      },
    ],
  };
}
