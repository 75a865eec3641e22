// Numbers and times in words.

export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

export function kmText(km) {
  if (km === null || km === undefined || Number.isNaN(km)) return "";
  if (km < 0.095) return `${Math.max(10, Math.round(km * 100) * 10)} m`;
  if (km < 0.995) return `${Math.round(km * 100) * 10} m`;
  return `${km.toFixed(km < 9.95 ? 1 : 0)} km`;
}

export const countText = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
export const hourText = (hour) => `${String(hour).padStart(2, "0")}:00`;
export const spotText = ({ lat, lon }) => `${lat.toFixed(4)}, ${lon.toFixed(4)}`;
export const sidText = (codes) => codes.join("-");

const timesText = (times) => (times === "1" ? "once" : `${times} times`);

// The few words of the service on why a place is recommended, written out.
export const whyText = (why) =>
  why
    .replace(/visited (\d+)x/, (_, times) => `visited ${timesText(times)}`)
    .replace(/(\d+) from here/, (_, times) => `others went on to it ${timesText(times)}`);

// The first moment of a weekday (0 is Monday) and an hour that is not before `end`, as local ISO text: everything in the
// log is then in the past.
export function momentText(end, weekday, hour) {
  const day = new Date(`${end.slice(0, 10)}T00:00:00Z`);
  const ahead = (weekday - ((day.getUTCDay() + 6) % 7) + 7) % 7;
  day.setUTCDate(day.getUTCDate() + ahead);
  const text = () => `${day.toISOString().slice(0, 10)}T${String(hour).padStart(2, "0")}:00`;
  if (text() < end.slice(0, 16)) day.setUTCDate(day.getUTCDate() + 7);
  return text();
}

// "45.01, -29.98" as a place on the globe, null for anything else.
export function readSpot(text) {
  const parts = text.split(/[,;\s]+/).filter(Boolean).map(Number);
  const [lat, lon] = parts;
  const isPlace = parts.length === 2 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return isPlace ? { lat, lon } : null;
}
