// Latency over time, drawn as SVG. A point is [bucket, mean age, largest age, mean inference], in milliseconds.

const BUCKETS = 240, BUCKET_MS = 500, LEFT = 44, BOTTOM = 18, TOP = 6;

export class Chart {
  constructor(svg) {
    this.svg = svg;
    this.points = [];
    this.now = 0;
    this.nowAt = 0;
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  reset(points) {
    this.points = points;
    this.draw();
  }

  add(point) {
    if (!point) return;
    const last = this.points.at(-1);
    if (last && last[0] === point[0]) this.points.pop();
    this.points.push(point);
    while (this.points[0][0] <= point[0] - BUCKETS) this.points.shift();
    this.draw();
  }

  // The server's clock in buckets; between two of its messages, and after the last, this machine's goes on from there.
  setNow(bucket) {
    this.now = bucket;
    this.nowAt = performance.now();
    this.draw();
  }

  draw() {
    const width = this.svg.clientWidth, height = this.svg.clientHeight;
    if (!width || !height) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const passed = this.nowAt ? Math.floor((performance.now() - this.nowAt) / BUCKET_MS) : 0;
    const newest = Math.max(this.now + passed, this.points.at(-1)?.[0] ?? 0);
    const shown = this.points.filter((point) => point[0] > newest - BUCKETS);
    const top = ceiling(Math.max(1, ...shown.map((point) => point[2])));
    const x = (bucket) => LEFT + (width - LEFT) * (1 - (newest - bucket) / (BUCKETS - 1));
    const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / top);
    const shapes = [];
    for (const share of [0, 0.5, 1]) {
      const at = y(top * share);
      shapes.push(shape("line", { class: "grid", x1: LEFT, x2: width, y1: at, y2: at }));
      shapes.push(shape("text", { x: LEFT - 8, y: at + 4, "text-anchor": "end" }, `${top * share} ms`));
    }
    for (const [seconds, anchor] of [[120, "start"], [60, "middle"], [0, "end"]]) {
      const at = LEFT + (width - LEFT) * (1 - seconds / 120);
      shapes.push(shape("text", { x: at, y: height - 2, "text-anchor": anchor }, seconds ? `−${seconds} s` : "now"));
    }
    for (const run of runs(shown)) {
      const line = (column) => run.map((point) => `${x(point[0]).toFixed(1)},${y(point[column]).toFixed(1)}`);
      shapes.push(shape("polygon", { class: "worst", points: [...line(2), ...line(1).reverse()].join(" ") }));
      shapes.push(shape("polyline", { class: "infer", points: line(3).join(" ") }));
      shapes.push(shape("polyline", { class: "age", points: line(1).join(" ") }));
    }
    this.svg.replaceChildren(...shapes);
  }
}

// A time without frames is a gap, not a line across it.
function runs(points) {
  const result = [];
  for (const point of points) {
    const run = result.at(-1);
    if (run && point[0] - run.at(-1)[0] <= 4) run.push(point);
    else result.push([point]);
  }
  return result;
}

function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 10].map((step) => step * power).find((bound) => bound >= value);
}

function shape(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
