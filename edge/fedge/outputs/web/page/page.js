// The page: events say what to show, pictures come beside them. All text goes in as textContent.

import { Chart } from "/chart.js";
import { readPictures } from "/live.js";

const $ = (id) => document.getElementById(id);
const chart = new Chart($("chart"));
const RETRY_MS = 2000, STALE_MS = 4000;

let model = {}, labels = [], rows = [], health = null, state = null, connected = false, pictureAt = 0, stateAt = 0;
let firstLabels = [], chosen = "";
let events = null, pictures = null, retry = 0, changesShown = "";

function connect() {
  disconnect();
  events = new EventSource("/events");
  events.onmessage = (event) => take(JSON.parse(event.data));
  events.onerror = () => {
    connected = false;
    showStatus();
    disconnect();
    retry = setTimeout(connect, RETRY_MS);
  };
  watch();
}

function disconnect() {
  clearTimeout(retry);
  events?.close();
  pictures?.abort();
  events = pictures = null;
}

async function watch() {
  const mine = (pictures = new AbortController());
  let problem = "the picture stopped";
  try {
    // One that was being decoded may come after another camera was chosen.
    const show = (bitmap) => (pictures === mine ? showPicture(bitmap) : bitmap.close());
    await readPictures(picturesOf(chosen), mine.signal, show);
  } catch (error) {
    problem = error.message;
  }
  if (pictures !== mine) return;
  if (!pictureAt) notice(`No picture: ${problem}`);
  setTimeout(() => pictures === mine && watch(), RETRY_MS);
}

function take(news) {
  connected = true;
  const regions = news.regions ?? [];
  const mine = regions.find(({ name }) => name === chosen);
  firstLabels = news.labels ?? firstLabels;
  setLabels(mine?.labels ?? firstLabels);
  setModel(news.health?.model ?? model, mine?.model);
  if (news.latency) chart.reset(news.latency);
  if (news.point) chart.add(news.point);
  chart.setNow(news.now);
  const next = mine ?? news.state;
  if (next && next.frame !== state?.frame) stateAt = performance.now();
  state = next;
  health = news.health;
  if (state) showState();
  showInput(state === news.state || mine?.name === news.state?.region ? news.input : null);
  if (health) showHealth();
  showRegions(regions);
  showChanges(news.changes);
  showStatus();
}

function showPicture(bitmap) {
  const canvas = $("canvas");
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    $("picture").style.setProperty("--aspect", bitmap.width / bitmap.height);
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  pictureAt = performance.now();
  document.body.dataset.pictures = Number(document.body.dataset.pictures ?? 0) + 1;
  showStatus();
}

function showState() {
  const { label, score, top, decision, scores, quality, empty = false } = state;
  $("source").textContent = state.source;
  $("decision").textContent = decision.label ?? "unknown";
  $("decision").classList.toggle("unknown", decision.label === null);
  $("since").textContent = `${percent(decision.score)}, since ${clock(decision.since)}`;
  $("answer").firstElementChild.textContent = label ?? (empty ? "no object" : `unknown (${top[0][0]}?)`);
  $("answer").lastElementChild.textContent = empty ? "" : percent(score);
  $("quality").textContent = quality === undefined ? "" : `cut-out ${percent(quality)} sure`;
  $("age").replaceChildren(...milliseconds(state.age_ms));
  $("prepare").replaceChildren(...milliseconds(state.preprocess_ms));
  $("infer").replaceChildren(...milliseconds(state.infer_ms));
  const best = scores.indexOf(Math.max(...scores));
  rows.forEach(({ row, bar, text }, i) => {
    row.classList.toggle("best", i === best && !empty);
    bar.style.width = `${empty ? 0 : 100 * scores[i]}%`;
    text.textContent = empty ? "–" : percent(scores[i]);
  });
  const [left, upper, width, height] = state.seen;
  const region = $("region");
  Object.assign(region.style, {
    left: `${100 * left}%`, top: `${100 * upper}%`, width: `${100 * width}%`, height: `${100 * height}%`,
  });
  region.classList.toggle("part", width * height < 0.999);
}

function showInput(data) {
  $("input").hidden = !data;
  $("input").closest("figure").hidden = !data && Boolean(chosen);
  if (data && $("input").src !== data) $("input").src = data;
}

function showHealth() {
  $("rate").textContent = health.frames_per_second.toFixed(1);
  $("frames").textContent = health.frames.toLocaleString("en");
  const faults = Object.entries(health.faults).map(([kind, count]) => `${kind} ${count}`).join(", ");
  fill($("health"), [
    ["up for", duration(health.uptime_s)],
    ["frames dropped", health.dropped.toLocaleString("en")],
    ["faults", faults || "none"],
    ["recoveries", health.recoveries],
    ["last message", health.message || "none"],
    ...(model.name ? [["model", model.name], ["file", model.file], ["build", model.build], ["fedge", model.version]] : []),
  ]);
  fill($("outputs"), Object.entries(health.outputs), (name) => health.output_status[name].state === "failing");
}

function showRegions(regions) {
  $("regions").hidden = regions.length === 0;
  $("choice").hidden = regions.length < 2;
  const names = regions.map(({ name }) => name);
  if ([...$("choice").options].map(({ value }) => value).join() !== names.join()) {
    $("choice").replaceChildren(...names.map((name) => element("option", name)));
    if (chosen) $("choice").value = chosen;
  }
  const isAway = (name) => health?.cameras?.[cameraOf(name)] === "waiting";
  const answers = regions.map(({ name, decision }) =>
    [name, isAway(name) ? "waiting" : `${decision.label ?? "unknown"} ${percent(decision.score)}`]);
  fill($("regions").lastElementChild, answers, isAway);
}

function showChanges(changes) {
  const key = JSON.stringify(changes);
  if (key === changesShown) return;
  changesShown = key;
  $("nochanges").hidden = changes.length > 0;
  $("changes").replaceChildren(...changes.map((change) => {
    const item = document.createElement("li");
    const where = change.region ? `${change.region}: ` : "";
    item.append(element("time", clock(change.since)), element("b", `${where}${change.label ?? "unknown"}`));
    item.append(element("span", percent(change.score)));
    return item;
  }));
}

// Another region, perhaps of another camera, is shown from now on; nothing of the one before is left standing.
function choose(name) {
  const before = picturesOf(chosen);
  chosen = name;
  state = null;
  if (picturesOf(chosen) !== before) {
    pictureAt = 0;
    $("canvas").width = $("canvas").width;
    pictures?.abort();
    watch();
  }
  showStatus();
}

function picturesOf(region) {
  const camera = cameraOf(region);
  return health?.cameras?.[camera] ? `/live/${camera}.mjpg` : "/live.mjpg";
}

// A picture or an answer from before is never shown as one of now.
function showStatus() {
  const now = performance.now();
  // Of several cameras the picture is of one, and the others may be away.
  const own = health?.cameras?.[cameraOf(state?.region)] ?? health?.state;
  const running = connected && own === "running" && now - stateAt < STALE_MS;
  const fresh = running && now - pictureAt < STALE_MS;
  const shown = !connected ? "lost" : running ? health.state : own === "running" ? "waiting" : own;
  $("status").dataset.state = shown ?? "starting";
  $("status").lastElementChild.textContent = shown === "lost" ? "no connection" : (shown ?? "starting");
  $("picture").classList.toggle("stale", pictureAt > 0 && !fresh);
  $("region").hidden = $("answer").hidden = !state || !fresh;
  if (fresh) notice("");
  else if (!connected) notice(`No connection to fedge; trying again${pictureAge(now)}`);
  else if (!running && health) {
    notice((health.message ? `Waiting: ${health.message}` : "Waiting for frames") + pictureAge(now));
  }
  document.querySelector("main").classList.toggle("old", !running);
  const old = state && !running;
  $("decided").textContent = old ? "Last decision" : "Decision";
  $("scored").textContent = old ? "Scores of the last frame" : "Scores of this frame";
}

const pictureAge = (now) => (pictureAt ? `. The picture is ${duration((now - pictureAt) / 1000)} old` : "");

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function setLabels(names) {
  if (names.length === labels.length && names.every((name, i) => name === labels[i])) return;
  labels = names;
  rows = labels.map((label) => {
    const row = document.createElement("li"), track = document.createElement("div"), bar = document.createElement("i");
    const text = element("b", "");
    track.append(bar);
    const name = element("span", label);
    name.title = label;
    row.append(name, track, text);
    return { row, bar, text };
  });
  $("bars").replaceChildren(...rows.map(({ row }) => row));
}

function setModel(facts, chosenName) {
  model = facts;
  const name = chosenName ?? model.name;
  $("model").textContent = name ? `${name}, ${labels.length} classes` : "";
  $("model").title = model.name && name === model.name ? `${model.file}, build ${model.build}` : "";
}

function fill(list, pairs, isBad = () => false) {
  list.replaceChildren(...pairs.map(([name, value]) => {
    const row = document.createElement("div"), entry = element("dd", value);
    entry.classList.toggle("bad", isBad(name));
    row.append(element("dt", name), entry);
    return row;
  }));
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

const cameraOf = (region) => region?.split("/")[0];
const percent = (share) => `${(100 * share).toFixed(0)}%`;
const clock = (time) => new Date(time).toLocaleTimeString("en-GB");
const milliseconds = (value) => [value.toFixed(value < 10 ? 1 : 0), element("small", "ms")];

function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => Math.max(1, seconds) >= size);
  return parts.slice(first, first + 2)
    .map(([size, unit], i) => `${Math.floor((i ? seconds % parts[first][0] : seconds) / size)} ${unit}`).join(" ");
}

// Nobody watches a hidden page: the runner need not encode for it.
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
$("choice").addEventListener("change", () => choose($("choice").value));
setInterval(() => (showStatus(), chart.draw()), 1000);
connect();
