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

// ---- reading the packed rows: blocks inside the page, or script files beside it that hold nothing but one block ----
const waiting = new Map();
globalThis.countcheckBlock = (name, text) => waiting.get(name)?.(text);
function block(name) {
  const inside = $(name);
  if (inside) return Promise.resolve(inside.textContent);
  const folder = document.body.dataset.rows;
  return new Promise((resolve, reject) => {
    const script = el("script", { src: `${folder}/${name}.js` });
    const done = (act) => (value) => { waiting.delete(name); script.remove(); act(value); };
    waiting.set(name, done(resolve));
    script.addEventListener("error", () => done(reject)(new Error(`${decodeURIComponent(folder)}/${name}.js`)));
    document.head.append(script);
  });
}
async function inflate(name) {
  const bytes = Uint8Array.from(atob(await block(name)), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
}
const unpack = async (name) => (await inflate(name)).json();
const chunks = new Map();
function chunk(number) {
  if (!chunks.has(number)) {
    const pictures = $(`pictures-${number}`);
    chunks.set(number, unpack(`detail-${number}`).then(({ nouns, rows }) => ({ nouns, rows, pictures: pictures ? JSON.parse(pictures.textContent) : [] })));
    if (chunks.size > 60) chunks.delete(chunks.keys().next().value);
  }
  return chunks.get(number);
}
async function detail(row) {
  const { nouns, rows, pictures } = await chunk(Math.floor(row / data.chunk));
  const one = rows[row % data.chunk];
  return { ...one, nouns, src: one.src || pictures[row % data.chunk] || "" };
}
const descriptions = new Map();
function described(number) {
  if (!descriptions.has(number)) descriptions.set(number, unpack(`place-${number}`));
  return descriptions.get(number);
}
const describe = async (place) => (await described(Math.floor(place / data.place_chunk)))[place % data.place_chunk];
let texts; // of every place, in small letters: read when something is searched for
async function allTexts() {
  if (!texts) {
    const parts = await Promise.all(Array.from({ length: Math.ceil(data.places / data.place_chunk) }, (_, number) => described(number)));
    texts = parts.flat().map((place) => [place.text.toLowerCase(), place.id.toLowerCase()]);
  }
  return texts;
}
async function readIndex() {
  const packed = await (await inflate("index")).arrayBuffer();
  const length = new DataView(packed).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(packed, 4, length)));
  const columns = {};
  let at = 4 + length;
  for (const [name, width, n] of head.columns) {
    columns[name] = new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width](packed, at, n);
    at += Math.ceil(n * width / 4) * 4;
  }
  const p = Uint32Array.from(columns.p);
  for (let row = 1; row < p.length; row++) p[row] += p[row - 1];
  const summed = (lengths) => { const ends = new Uint32Array(lengths.length + 1); for (let i = 0; i < lengths.length; i++) ends[i + 1] = ends[i] + lengths[i]; return ends; };
  const asked = columns["places.asked"], numbersOf = new Uint32Array(p.length);
  for (let row = 0; row < p.length; row++) numbersOf[row] = asked[p[row]];
  return { ...head, p, r: columns.r, t: columns.t, m: columns.m, v: columns.v, c: columns.c, cAt: summed(numbersOf), askedAt: summed(asked),
    noun: columns["places.noun"], number: columns["places.number"], tag: head.tags.map((_, i) => columns[`places.tag.${i}`]) };
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
  for (const [noun, , x, y, right, bottom, counted] of boxes) {
    const rect = document.createElementNS(space, "rect");
    rect.setAttribute("class", `b${colours.indexOf(noun) % 6}${counted ? "" : " near"}`);
    for (const [key, value] of [["x", x], ["y", y], ["width", right - x], ["height", bottom - y]]) rect.setAttribute(key, value);
    svg.append(rect);
  }
  return svg;
}
function modelName(index) {
  return el("span", {}, el("span", { class: `swatch m${index % 8} s${index % 8}`, "aria-hidden": "true" }), el("bdi", {}, data.models[index]));
}
const verdict = (row) => el("span", { class: `verdict v-${data.verdicts[data.v[row]]}` }, data.verdicts[data.v[row]]);
const counts = (one) => el("span", { class: "counts" }, one.counted || "");
function frame(row, one, place) {
  if (one.src) {
    const alt = `${data.models[data.m[row]]}: ${place.text.slice(0, 160)}`;
    return el("div", { class: "frame" }, el("img", { src: one.src, alt, loading: "lazy", decoding: "async" }), overlay(one.boxes, one.size));
  }
  if (one.outcome === "refusal") return el("div", { class: "frame empty refusal" }, el("p", { dir: "auto" }, one.words || "Refused without a reply."));
  const said = one.gone ? "The picture file is missing or damaged." : one.outcome === "failure" ? `Failed: ${one.message || "no reason recorded"}` : one.outcome === "picture" ? "No picture was kept." : "Not made.";
  return el("div", { class: "frame empty" }, el("p", {}, said));
}
async function shot(row, place, matches) {
  const one = await detail(row);
  const open = el("button", { type: "button", class: "open", "data-row": row, onclick: () => write({ open: row }, { keepPage: true }) }, frame(row, one, place));
  open.setAttribute("aria-label", `Open: ${data.models[data.m[row]]}, ${data.verdicts[data.v[row]]}`);
  return el("figure", { class: matches ? "shot" : "shot aside" }, open,
    el("figcaption", {}, modelName(data.m[row]), el("span", { class: "line" }, verdict(row), " ", counts(one))));
}

// ---- filtering ----
const tagsOf = () => Object.keys(state).filter((name) => name.startsWith("t.")).map((name) => [name.slice(2), state[name]]);
async function placesMatching() {
  const tags = tagsOf().map(([tag, value]) => { const at = data.tags.findIndex(([name]) => name === tag); return [data.tag[at], at < 0 ? -1 : data.tags[at][1].indexOf(value) + 1]; });
  const words = (state.q || "").toLowerCase(), noun = state.noun ? data.nouns.indexOf(state.noun) : null, asked = state.asked;
  const said = words ? await allTexts() : null;
  const matching = new Uint8Array(data.places);
  for (let place = 0; place < data.places; place++) {
    let hit = tags.every(([codes, code]) => code > 0 && codes[place] === code) && (!said || said[place][0].includes(words) || said[place][1] === words);
    if (hit && (noun != null || asked != null)) {
      hit = false;
      for (let i = data.askedAt[place]; i < data.askedAt[place + 1]; i++) if ((noun == null || data.noun[i] === noun) && (asked == null || String(data.number[i]) === asked)) hit = true;
    }
    matching[place] = hit ? 1 : 0;
  }
  return matching;
}
async function matching() {
  const places = await placesMatching();
  const verdicts = several("v"), models = several("m").map(Number);
  const wanted = data.verdicts.map((name) => !verdicts.length || verdicts.includes(name));
  const chosen = data.models.map((_, index) => !models.length || models.includes(index));
  const counted = state.counted == null ? null : data.numbers.map((n) => n != null && String(n) === state.counted);
  const noun = state.noun ? data.nouns.indexOf(state.noun) : null;
  return (row) => {
    if (!places[data.p[row]] || !wanted[data.v[row]] || !chosen[data.m[row]]) return false;
    if (!counted) return true;
    const start = data.askedAt[data.p[row]];
    for (let i = data.cAt[row]; i < data.cAt[row + 1]; i++) {
      const asked = start + i - data.cAt[row];
      if (counted[data.c[i]] && (noun == null || data.noun[asked] === noun) && (state.asked == null || String(data.number[asked]) === state.asked)) return true;
    }
    return false;
  };
}
async function find() {
  const matches = await matching(), models = several("m").map(Number);
  const found = new Uint32Array(starts.length - 1);
  let rows = 0, n = 0;
  for (let g = 0; g + 1 < starts.length; g++) {
    const before = rows;
    for (let row = starts[g]; row < starts[g + 1]; row++) if (matches(row)) rows++;
    if (rows > before) found[n++] = g;
  }
  return { groups: found.subarray(0, n), rows, matches, models };
}

let turn = 0;
async function show() {
  const mine = ++turn;
  if (state.q && !texts) $("found").textContent = "Searching…";
  const { groups, rows, matches, models } = await find();
  if (mine !== turn) return;
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
  const items = await Promise.all(Array.from(groups.subarray((page - 1) * size, page * size), async (g) => {
    const members = [];
    for (let row = starts[g]; row < starts[g + 1]; row++) if (!models.length || models.includes(data.m[row])) members.push(row);
    const place = await describe(data.p[starts[g]]), repeat = data.r[starts[g]];
    const tally = [repeated ? `try ${repeat + 1}` : "", place.talk ? `turn ${data.t[starts[g]] + 1}${place.repair ? `, repair ${place.repair}` : ""}` : "", ...Object.entries(place.tags).map(([tag, value]) => `${title(tag === "kinds" ? "number_of_kinds" : tag).toLowerCase()} ${value}`)].filter(Boolean).join(" · ");
    return el("li", {}, el("p", { class: "prompt" }, el("q", { dir: "auto" }, place.text), el("span", { class: "tally" }, el("bdi", {}, tally))),
      el("div", { class: "shots" }, ...(await Promise.all(members.map((row) => shot(row, place, matches(row)))))));
  }));
  if (mine === turn) { $("tries").replaceChildren(...items); root.dataset.ready = String(mine); }
}

// ---- one picture, large ----
async function neighbours() {
  const matches = await matching();
  const all = [];
  for (const g of shown) for (let row = starts[g]; row < starts[g + 1]; row++) if (matches(row)) all.push(row);
  return all;
}
const MOST_BESIDE = 12;
async function beside(row, place) {
  // The tries of the same prompt and seed, this one among them; by itself it stays as large as it can be.
  let low = 0, high = starts.length - 2;
  while (low < high) { const middle = (low + high + 1) >> 1; if (starts[middle] <= row) low = middle; else high = middle - 1; }
  let rows = Array.from({ length: starts[low + 1] - starts[low] }, (_, i) => starts[low] + i);
  if (rows.length < 2) return frame(row, await detail(row), place);
  if (rows.length > MOST_BESIDE) rows = [row, ...rows.filter((other) => other !== row)].slice(0, MOST_BESIDE).sort((a, b) => a - b);
  return el("div", { class: "beside" }, ...(await Promise.all(rows.map(async (other) => {
    const one = await detail(other), here = other === row;
    const open = el("button", { type: "button", class: "open", onclick: () => write({ open: other }, { keepPage: true }) }, frame(other, one, place));
    open.setAttribute("aria-label", `${data.models[data.m[other]]}, ${data.verdicts[data.v[other]]}`);
    open.setAttribute("aria-pressed", String(here));
    return el("figure", { class: here ? "here" : "" }, open, el("figcaption", {}, modelName(data.m[other]), " ", verdict(other), " ", counts(one)));
  }))));
}
async function view() {
  const viewer = $("viewer"), row = Number(state.open);
  if (state.open == null || !(row >= 0 && row < data.p.length)) { if (viewer.open) viewer.close(); return; }
  const one = await detail(row), place = await describe(data.p[row]);
  const fact = (name, value) => (value === "" || value == null ? [] : [el("dt", {}, name), el("dd", {}, el("bdi", {}, String(value)))]);
  const boxes = (one.boxes || []).filter((box) => box[6]).map((box) => `${one.nouns[box[0]]} ${box[1].toFixed(2)}`).join(", ");
  const pictures = await beside(row, place);
  if (Number(state.open) !== row) return; // another was opened meanwhile
  const again = viewer.querySelector(".beside :focus");
  $("viewer-body").replaceChildren(
    pictures,
    el("div", {}, el("h2", { id: "viewer-title" }, el("q", { dir: "auto" }, place.text)),
      el("p", {}, modelName(data.m[row]), " ", verdict(row)),
      el("dl", {}, ...fact("Asked", place.wanted), ...fact("Counted", one.counted), ...fact("Could be", one.maybe), ...fact("Why", one.why), ...fact("Scores", boxes), ...fact("Reply", one.words), ...fact("Rewritten to", one.rewritten),
        ...fact("Refusal", one.refusal), ...fact("Failure", one.message), ...fact("Try", repeated ? data.r[row] + 1 : ""), ...fact("Seed", one.seed), ...fact("Seconds", one.seconds), ...fact("Cost", one.cost ? `$${one.cost}` : ""), ...fact("Sample", one.key)),
      one.full ? el("p", {}, el("a", { href: one.full, target: "_blank", rel: "noopener" }, "Open the picture file")) : null));
  if (!viewer.open) viewer.showModal();
  if (again) viewer.querySelector(".beside [aria-pressed=true]")?.focus();
}
async function step(by) {
  const all = await neighbours(), here = Number(state.open), at = all.indexOf(here);
  // One beside it may be open that the filters leave out.
  const next = at >= 0 ? all[at + by] : by > 0 ? all.find((row) => row > here) : all.findLast((row) => row < here);
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
  const ordered = (values) => [...values].sort((a, b) => (typeof a === "number" ? a - b : a.localeCompare(b)));
  $("f-selects").replaceChildren(
    select("noun", "Noun", ordered(data.nouns)), select("asked", "Asked", ordered(new Set(data.number))), select("counted", "Counted", ordered(data.numbers.filter((n) => n != null))),
    ...data.tags.filter(([, values]) => values.length > 1 && values.length <= 200).map(([tag, values]) => select(`t.${tag}`, title(tag === "kinds" ? "number_of_kinds" : tag), ordered(values))));
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
  first.then(view).then(land).catch(lost);
}
function lost(error) {
  $("found").textContent = `A file that belongs to this page is missing: ${error.message}. Keep the folder beside the page.`;
  root.dataset.ready = "lost";
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

if ($("index") || document.body.dataset.rows) {
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
  readIndex().then((read) => {
    data = read;
    repeated = data.r.some((repeat) => repeat > 0);
    size = data.models.length > 1 ? 12 : 40; // rows of tries a page; one model alone fills rows with several prompts
    const { p, r, t } = data, begins = new Uint32Array(p.length + 1);
    let n = 0;
    for (let row = 0; row < p.length; row++) {
      const before = row - 1;
      if (!row || p[row] !== p[before] || r[row] !== r[before] || t[row] !== t[before]) begins[n++] = row;
    }
    begins[n] = p.length;
    starts = begins.subarray(0, n + 1);
    build();
    apply();
  }).catch(lost);
}
apply();
