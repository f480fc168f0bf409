"use strict";
const root = document.documentElement;
const $ = (id) => document.getElementById(id);
let data, starts, size = 12, repeated, shown = [], state = {};

// ---- state: everything chosen is in the address ----
function read() {
  const text = location.hash.slice(1);
  const found = text.includes("=") ? Object.fromEntries(new URLSearchParams(text)) : {};
  delete found.view;
  return found;
}
function write(changes, { keepPage = false } = {}) {
  const next = { ...state, ...changes };
  if (!keepPage && !("page" in changes)) delete next.page;
  for (const name of Object.keys(next)) if (next[name] === "" || next[name] == null) delete next[name];
  const text = new URLSearchParams(next).toString();
  if (text === location.hash.slice(1)) return apply();
  location.hash = text || "view=all"; // an empty fragment would jump to the top
}
const several = (name) => (state[name] ? state[name].split(",") : []);
const toggle = (name, value) => {
  const now = several(name);
  write({ [name]: (now.includes(value) ? now.filter((one) => one !== value) : [...now, value]).join(",") });
};

// ---- reading the packed rows ----
async function inflate(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
const chunks = new Map();
function chunk(number) {
  if (!chunks.has(number)) {
    const pictures = $(`pictures-${number}`);
    chunks.set(number, inflate($(`detail-${number}`)).then((rows) => ({ rows, pictures: pictures ? JSON.parse(pictures.textContent) : [] })));
    if (chunks.size > 12) chunks.delete(chunks.keys().next().value);
  }
  return chunks.get(number);
}
async function detail(row) {
  const { rows, pictures } = await chunk(Math.floor(row / data.chunk));
  const one = rows[row % data.chunk];
  return { ...one, src: one.src || pictures[row % data.chunk] || "" };
}

// ---- building elements: text is only ever text ----
function el(name, props = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}
const grouped = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");
const plural = (value, one, many) => `${grouped(value)} ${value === 1 ? one : many}`;
const title = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
function overlay(boxes, [wide, tall] = [1, 1]) {
  if (!boxes || !boxes.length) return null;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const colours = [...new Set(boxes.map((box) => box[0]))];
  for (const [key, value] of [["class", "boxes"], ["viewBox", `0 0 ${wide} ${tall}`], ["aria-hidden", "true"]]) svg.setAttribute(key, value);
  for (const [noun, , x, y, w, h, counted] of boxes) {
    const rect = document.createElementNS(space, "rect");
    rect.setAttribute("class", `b${colours.indexOf(noun) % 6}${counted ? "" : " near"}`);
    for (const [key, value] of [["x", x * wide], ["y", y * tall], ["width", w * wide], ["height", h * tall]]) rect.setAttribute(key, value);
    svg.append(rect);
  }
  return svg;
}
function modelName(index) {
  return el("span", {}, el("span", { class: `swatch m${index % 8} s${index % 8}`, "aria-hidden": "true" }), el("bdi", {}, data.models[index]));
}
const verdict = (row) => el("span", { class: `verdict v-${data.verdicts[data.v[row]]}` }, data.verdicts[data.v[row]]);
const counts = (one) => el("span", { class: "counts" }, one.counted || "");
function frame(row, one) {
  const place = data.places[data.p[row]];
  if (one.src) {
    const alt = `${data.models[data.m[row]]}: ${place.text.slice(0, 160)}`;
    return el("div", { class: "frame" }, el("img", { src: one.src, alt, loading: "lazy", decoding: "async" }), overlay(one.boxes, one.size));
  }
  if (one.outcome === "refusal") return el("div", { class: "frame empty refusal" }, el("p", { dir: "auto" }, one.words || "Refused without a reply."));
  const said = one.gone ? "The picture file is missing or damaged." : one.outcome === "failure" ? `Failed: ${one.message || "no reason recorded"}` : one.outcome === "picture" ? "No picture was kept." : "Not made.";
  return el("div", { class: "frame empty" }, el("p", {}, said));
}
async function shot(row, matches) {
  const one = await detail(row);
  const open = el("button", { type: "button", class: "open", "data-row": row, onclick: () => write({ open: row }, { keepPage: true }) }, frame(row, one));
  open.setAttribute("aria-label", `Open: ${data.models[data.m[row]]}, ${data.verdicts[data.v[row]]}`);
  return el("figure", { class: matches ? "shot" : "shot aside" }, open,
    el("figcaption", {}, modelName(data.m[row]), el("span", { class: "line" }, verdict(row), " ", counts(one))));
}

// ---- filtering ----
const tagsOf = () => Object.keys(state).filter((name) => name.startsWith("t.")).map((name) => [name.slice(2), state[name]]);
function placesMatching() {
  const tags = tagsOf(), words = (state.q || "").toLowerCase(), noun = state.noun, asked = state.asked;
  return data.places.map((place) =>
    tags.every(([tag, value]) => place.tags[tag] === value) &&
    (!words || place.text.toLowerCase().includes(words) || place.id.toLowerCase() === words) &&
    ((!noun && asked == null) || place.asked.some(([n, k]) => (!noun || n === noun) && (asked == null || String(k) === asked))));
}
function matching() {
  const places = placesMatching();
  const verdicts = several("v"), models = several("m").map(Number);
  const wanted = data.verdicts.map((name) => !verdicts.length || verdicts.includes(name));
  const chosen = data.models.map((_, index) => !models.length || models.includes(index));
  return (row) => {
    if (!places[data.p[row]] || !wanted[data.v[row]] || !chosen[data.m[row]]) return false;
    if (state.counted == null) return true;
    const asked = data.places[data.p[row]].asked, found = data.c[row] || [];
    return asked.some(([noun, n], i) => String(found[i]) === state.counted && (!state.noun || noun === state.noun) && (state.asked == null || String(n) === state.asked));
  };
}
function find() {
  const matches = matching(), models = several("m").map(Number);
  const groups = [];
  let rows = 0;
  for (let g = 0; g + 1 < starts.length; g++) {
    let hit = false;
    for (let row = starts[g]; row < starts[g + 1]; row++) if (matches(row)) { hit = true; rows++; }
    if (hit) groups.push(g);
  }
  return { groups, rows, matches, models };
}

let turn = 0;
async function show() {
  const mine = ++turn;
  const { groups, rows, matches, models } = find();
  shown = groups;
  const pages = Math.max(1, Math.ceil(groups.length / size));
  const page = Math.min(Math.max(1, Number(state.page) || 1), pages);
  $("found").textContent = groups.length ? `${plural(rows, "try", "tries")} of ${grouped(data.p.length)}, in ${plural(groups.length, "row", "rows")}${pages > 1 ? `; page ${page} of ${pages}` : ""}.` : "No try matches these filters.";
  for (const id of ["pager-top", "pager-bottom"]) {
    $(id).replaceChildren(...(pages < 2 ? [] : [
      el("button", { type: "button", disabled: page === 1, onclick: () => write({ page: page - 1 }) }, "Previous"),
      el("span", {}, `${page} / ${pages}`),
      el("button", { type: "button", disabled: page === pages, onclick: () => write({ page: page + 1 }) }, "Next")]));
  }
  const items = await Promise.all(groups.slice((page - 1) * size, page * size).map(async (g) => {
    const members = [];
    for (let row = starts[g]; row < starts[g + 1]; row++) if (!models.length || models.includes(data.m[row])) members.push(row);
    const place = data.places[data.p[starts[g]]], repeat = data.r[starts[g]];
    const tally = [repeated ? `try ${repeat + 1}` : "", place.talk ? `turn ${data.t[starts[g]] + 1}${place.repair ? `, repair ${place.repair}` : ""}` : "", ...Object.entries(place.tags).map(([tag, value]) => `${title(tag === "kinds" ? "number_of_kinds" : tag).toLowerCase()} ${value}`)].filter(Boolean).join(" · ");
    return el("li", {}, el("p", { class: "prompt" }, el("q", { dir: "auto" }, place.text), el("span", { class: "tally" }, el("bdi", {}, tally))),
      el("div", { class: "shots" }, ...(await Promise.all(members.map((row) => shot(row, matches(row)))))));
  }));
  if (mine === turn) { $("tries").replaceChildren(...items); root.dataset.ready = String(mine); }
}

// ---- one picture, large ----
function neighbours() {
  const matches = matching();
  const all = [];
  for (const g of shown) for (let row = starts[g]; row < starts[g + 1]; row++) if (matches(row)) all.push(row);
  return all;
}
async function view() {
  const viewer = $("viewer"), row = Number(state.open);
  if (state.open == null || !(row >= 0 && row < data.p.length)) { if (viewer.open) viewer.close(); return; }
  const one = await detail(row), place = data.places[data.p[row]];
  const fact = (name, value) => (value === "" || value == null ? [] : [el("dt", {}, name), el("dd", {}, el("bdi", {}, String(value)))]);
  const boxes = (one.boxes || []).filter((box) => box[6]).map((box) => `${data.nouns[box[0]]} ${box[1].toFixed(2)}`).join(", ");
  $("viewer-body").replaceChildren(
    frame(row, one),
    el("div", {}, el("h2", { id: "viewer-title" }, el("q", { dir: "auto" }, place.text)),
      el("p", {}, modelName(data.m[row]), " ", verdict(row)),
      el("dl", {}, ...fact("Asked", place.wanted), ...fact("Counted", one.counted), ...fact("Could be", one.maybe), ...fact("Why", one.why), ...fact("Scores", boxes), ...fact("Reply", one.words), ...fact("Rewritten to", one.rewritten),
        ...fact("Refusal", one.refusal), ...fact("Failure", one.message), ...fact("Try", repeated ? data.r[row] + 1 : ""), ...fact("Seed", one.seed), ...fact("Seconds", one.seconds), ...fact("Cost", one.cost ? `$${one.cost}` : ""), ...fact("Sample", one.key)),
      one.full ? el("p", {}, el("a", { href: one.full, target: "_blank", rel: "noopener" }, "Open the picture file")) : null));
  if (!viewer.open) viewer.showModal();
}
function step(by) {
  const all = neighbours(), at = all.indexOf(Number(state.open));
  const next = all[at + by];
  if (next != null) write({ open: next }, { keepPage: true });
}

// ---- controls ----
function chips(id, name, options) {
  $(id).replaceChildren(...options.map(({ value, label, count, kind }) => {
    const input = el("input", { type: "checkbox", value, onchange: () => toggle(name, value) });
    return el("label", { class: `chip ${kind || ""}` }, input, label, el("span", { class: "n" }, grouped(count)));
  }));
}
function select(name, title, values) {
  const made = el("select", { "data-name": name, onchange: (event) => write({ [name]: event.target.value }) }, el("option", { value: "" }, "any"), ...values.map((value) => el("option", { value }, value)));
  return el("label", {}, `${title} `, made);
}
function build() {
  const tally = (column, size) => { const n = new Array(size).fill(0); for (const value of data[column]) n[value]++; return n; };
  const byVerdict = tally("v", data.verdicts.length), byModel = tally("m", data.models.length);
  chips("f-verdict", "v", data.verdicts.map((value, i) => ({ value, label: value, count: byVerdict[i], kind: `v-${value}` })).filter((one) => one.count));
  chips("f-model", "m", data.models.map((label, i) => ({ value: String(i), label: modelName(i), count: byModel[i] })));
  const nouns = new Set(), numbers = new Set(), counted = new Set(), tags = new Map();
  for (const place of data.places) {
    for (const [noun, n] of place.asked) { nouns.add(noun); numbers.add(n); }
    for (const [tag, value] of Object.entries(place.tags)) { if (!tags.has(tag)) tags.set(tag, new Set()); tags.get(tag).add(value); }
  }
  for (const found of data.c) if (found) for (const n of found) if (n >= 0) counted.add(n);
  const ordered = (set) => [...set].sort((a, b) => (typeof a === "number" ? a - b : a.localeCompare(b)));
  $("f-selects").replaceChildren(
    select("noun", "Noun", ordered(nouns)), select("asked", "Asked", ordered(numbers)), select("counted", "Counted", ordered(counted)),
    ...[...tags].filter(([, values]) => values.size > 1 && values.size <= 200).map(([tag, values]) => select(`t.${tag}`, title(tag === "kinds" ? "number_of_kinds" : tag), ordered(values))));
}
function apply() {
  state = read();
  if (state.theme) root.dataset.theme = state.theme; else delete root.dataset.theme;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  for (const button of document.querySelectorAll("[data-theme-to]")) button.textContent = `Theme: ${dark ? "dark" : "light"}`;
  root.classList.toggle("with-boxes", state.boxes === "1");
  for (const input of document.querySelectorAll(".boxes-switch")) input.checked = state.boxes === "1";
  if (!data) return;
  for (const [id, name] of [["f-verdict", "v"], ["f-model", "m"]]) for (const input of $(id).querySelectorAll("input")) input.checked = several(name).includes(input.value);
  for (const made of document.querySelectorAll("#f-selects select")) made.value = state[made.dataset.name] ?? "";
  if (document.activeElement !== $("f-search")) $("f-search").value = state.q || "";
  const wanted = JSON.stringify({ ...state, open: 0, boxes: 0, theme: 0 });
  const first = wanted === apply.last ? Promise.resolve() : show();
  apply.last = wanted;
  first.then(view).then(land);
}
function land() {
  // The list of tries changes the height of the page, so a section below it is found again.
  const anchor = location.hash.slice(1);
  if (anchor && !anchor.includes("=")) $(anchor)?.scrollIntoView({ behavior: "instant" });
}
function sortable(table) {
  for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
    const value = (row) => { const cell = row.cells[column]; return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value); };
    const button = el("button", { type: "button", class: "sort", title: "Sort by this column" }, "↕");
    button.setAttribute("aria-label", `Sort by ${head.textContent.trim()}`);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].sort((a, b) => { const [x, y] = [value(a), value(b)]; return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)); });
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
    head.append(" ", button);
  }
}
for (const table of document.querySelectorAll("table.models")) if (table.tBodies[0].rows.length > 1) sortable(table);
for (const input of document.querySelectorAll(".boxes-switch")) input.addEventListener("change", () => write({ boxes: input.checked ? "1" : "" }, { keepPage: true }));
for (const button of document.querySelectorAll("[data-theme-to]")) button.addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  write({ theme: dark ? "light" : "dark" }, { keepPage: true });
});
addEventListener("hashchange", apply);
for (const link of document.querySelectorAll(".matrix a")) link.addEventListener("click", (event) => {
  event.preventDefault(); // keep theme and boxes, drop the other filters
  const { theme, boxes } = state;
  state = { theme, boxes };
  write(Object.fromEntries(new URLSearchParams(link.getAttribute("href").slice(1))));
  $("pictures").scrollIntoView();
});

if ($("index")) {
  let typing;
  $("f-search").addEventListener("input", (event) => { clearTimeout(typing); typing = setTimeout(() => write({ q: event.target.value }), 200); });
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  $("f-reset").addEventListener("click", () => {
    const kept = { theme: state.theme, boxes: state.boxes };
    state = {};
    write(kept);
  });
  const viewer = $("viewer");
  viewer.addEventListener("close", () => { if (state.open != null) { const row = state.open; write({ open: "" }, { keepPage: true }); document.querySelector(`[data-row="${row}"]`)?.focus(); } });
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());
  for (const button of viewer.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test(event.target.tagName) && event.target.type !== "checkbox") return;
    const go = (by) => { const button = $("pager-top").querySelectorAll("button")[by]; if (button && !button.disabled) { button.click(); $("pictures").scrollIntoView(); } };
    const acts = { b: () => write({ boxes: state.boxes === "1" ? "" : "1" }, { keepPage: true }), "/": () => $("f-search").focus(), n: () => go(1), p: () => go(0) };
    if (viewer.open) Object.assign(acts, { ArrowLeft: () => step(-1), ArrowRight: () => step(1) });
    if (acts[event.key]) { event.preventDefault(); acts[event.key](); }
  });
  inflate($("index")).then((read) => {
    data = read;
    repeated = data.r.some((repeat) => repeat > 0);
    size = data.models.length > 1 ? 12 : 40; // rows of tries a page; one model alone fills rows with several prompts
    starts = [];
    for (let row = 0; row < data.p.length; row++) {
      const before = row - 1;
      if (!row || data.p[row] !== data.p[before] || data.r[row] !== data.r[before] || data.t[row] !== data.t[before]) starts.push(row);
    }
    starts.push(data.p.length);
    build();
    apply();
  });
}
apply();
