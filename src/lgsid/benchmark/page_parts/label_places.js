// Where labels of points go so that they overlap little.

const LABEL_DISTANCES = [9, 16, 26, 40, 58, 80];
const LABEL_ANGLES = [0, 180, 270, 90, 315, 45, 225, 135];

const LABEL_ROUNDS = 4;

// Boxes are {x, y, width, height} with x, y the upper left, points {x, y, label: {width, height}}. `bars` are boxes that
// labels had better not cover. Gives the box of each point's label: each takes its best place among the others', and
// again now that those have moved.
function placeLabels(points, bars, bounds) {
  const dots = points.map((point) => ({ x: point.x - 6, y: point.y - 6, width: 12, height: 12 }));
  const placed = [];
  for (let round = 0; round < LABEL_ROUNDS; round += 1) {
    points.forEach((point, i) => {
      const others = placed.filter((_, j) => j !== i);
      placed[i] = bestPlace(labelOptions(point), others, dots, bars, bounds);
    });
  }
  return placed;
}

function bestPlace(options, labels, dots, bars, bounds) {
  const cost = ({ box, distance }) =>
    distance +
    300 * outside(box, bounds) +
    20 * totalOverlap(box, labels) +
    8 * totalOverlap(box, dots) +
    0.5 * totalOverlap(box, bars);
  return options.map((option) => [cost(option), option.box]).reduce((a, b) => (b[0] < a[0] ? b : a))[1];
}

function labelOptions({ x, y, label }) {
  return LABEL_DISTANCES.flatMap((distance) =>
    LABEL_ANGLES.map((degrees) => {
      const angle = (degrees * Math.PI) / 180;
      const middle = x + Math.cos(angle) * (distance + label.width / 2);
      const line = y + Math.sin(angle) * (distance + label.height / 2);
      const box = { x: middle - label.width / 2, y: line - label.height / 2, ...label };
      return { box, distance };
    }),
  );
}

function totalOverlap(box, others) {
  return others.reduce((sum, other) => sum + overlap(box, other), 0);
}

function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

function outside(box, bounds) {
  const left = Math.max(0, bounds.x - box.x) + Math.max(0, box.x + box.width - bounds.x - bounds.width);
  const above = Math.max(0, bounds.y - box.y) + Math.max(0, box.y + box.height - bounds.y - bounds.height);
  return left + above;
}

// The point of a box that is nearest to (x, y).
function nearestOf(box, x, y) {
  return [clamp(x, box.x, box.x + box.width), clamp(y, box.y, box.y + box.height)];
}
