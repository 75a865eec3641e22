// The places of the city in memory: what is where, what is near, what shares codes, what is called so.

const EARTH_KM = 6371.0088;
const radians = (degrees) => (degrees * Math.PI) / 180;
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export class City {
  constructor(table) {
    this.table = table;
    this.size = table.id.length;
    this.rows = new Map(table.id.map((id, row) => [id, row]));
    this.searchable = table.id.map((_, row) => plain(`${this.name(row)} ${this.category(row)}`));
    this.sets = new Map(table.sids.map((set) => [set.name, set]));
    this.closed = new Map(table.models.map(({ name, closed }) => [name, new Set(closed)]));
    this.kinds = countedKinds(table);
  }

  name(row) {
    const category = this.table.category.names[this.table.category.code[row]];
    return this.table.name[row] || (category ? `${category} without a name` : "Place without a name");
  }

  category(row) {
    return this.table.category.names[this.table.category.code[row]];
  }

  group(row) {
    return this.table.group.names[this.table.group.code[row]];
  }

  // The finest known region.
  region(row) {
    const known = this.table.regions.map(({ names, code }) => names[code[row]]).filter(Boolean);
    return known.length ? known[known.length - 1] : "";
  }

  spot(row) {
    const [lat, lon] = [this.table.lat[row], this.table.lon[row]];
    return lat === null || lon === null ? null : { lat, lon };
  }

  codes(row, set) {
    const codes = set ? set.codes.map((level) => level[row]) : [];
    return codes.some((code) => code === null) ? [] : codes;
  }

  // Rows of the places whose codes start with `prefix`.
  withPrefix(set, prefix) {
    return Array.from({ length: this.size }, (_, row) => row).filter((row) => this.hasPrefix(set, row, prefix));
  }

  hasPrefix(set, row, prefix) {
    return prefix.every((code, level) => set.codes[level][row] === code);
  }

  km(a, b) {
    if (!a || !b) return NaN;
    const [dLat, dLon] = [radians(b.lat - a.lat), radians(b.lon - a.lon)];
    const h = Math.sin(dLat / 2) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLon / 2) ** 2;
    return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
  }

  // The places nearest to a spot, as {row, km}.
  nearest(spot, count) {
    const found = [];
    for (let row = 0; row < this.size; row += 1) {
      const km = this.km(spot, this.spot(row));
      if (!Number.isNaN(km)) found.push({ row, km });
    }
    return found.sort((a, b) => a.km - b.km).slice(0, count);
  }

  // The places that share most leading codes with a place, nearest on the map first among equals, as {row, shared, km}.
  codeNeighbors(row, set, count) {
    const own = this.codes(row, set);
    if (!own.length) return [];
    const here = this.spot(row);
    const found = [];
    for (let other = 0; other < this.size; other += 1) {
      if (other === row) continue;
      let shared = 0;
      while (shared < own.length && set.codes[shared][other] === own[shared]) shared += 1;
      if (shared) found.push({ row: other, shared, km: this.km(here, this.spot(other)) });
    }
    return found.sort((a, b) => b.shared - a.shared || (a.km || 0) - (b.km || 0)).slice(0, count);
  }

  // Rows whose name or category has all words of a text, names that start with it first.
  search(text, count) {
    const words = plain(text).split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const found = [];
    for (let row = 0; row < this.size; row += 1) {
      const place = this.searchable[row];
      if (!words.every((word) => place.includes(word))) continue;
      const order = place.startsWith(words.join(" ")) ? 0 : place.split(/\s+/).some((part) => part.startsWith(words[0])) ? 1 : 2;
      found.push({ row, order });
    }
    return found.sort((a, b) => a.order - b.order).slice(0, count).map(({ row }) => row);
  }
}

// Groups of categories, or categories where the data have no groups, with how many places each has, largest first.
function countedKinds(table) {
  const column = table.group.names.length > 1 ? table.group : table.category;
  const counts = column.names.map(() => 0);
  for (const code of column.code) counts[code] += 1;
  return column.names
    .map((name, code) => ({ name, count: counts[code] }))
    .filter(({ name, count }) => name && count)
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}
