"use strict";
const $ = (id) => document.getElementById(id);
const addressOf = (task) => `${encodeURIComponent(task.key)}/${task.turn}`;
const pictureOf = (task) => `picture/${addressOf(task)}`;
const samePicture = (a, b) => a.key === b.key && a.turn === b.turn;
const same = (a, b) => samePicture(a, b) && a.noun === b.noun;
const REFUSAL = "(refusal)";
const FILTERS = ["model", "verdict", "noun", "tag"];
// tasks: what comes next. shown: a picture that was gone back to, or to by its number; it stands before them.
let kind = document.querySelector('[data-kind="pictures"]').getAttribute("aria-pressed") === "true" ? "pictures" : "refusals";
let tasks = [], sending = [], known = false, shown = null, before = [], boxesOn = true, total = 0, after = 0;
const loaded = new Map(), notes = new Map();

function labeller() { return $("labeller").value.trim(); }
function fail(sentence) { $("error").textContent = sentence; $("error").hidden = !sentence; }
function current() { return shown ?? tasks[0]; }
function view() {
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, $(`by-${name}`).value]));
  return { kind, ...chosen, unlabelled: $("unlabelled").checked ? 1 : 0, after };
}
function filtering() { return FILTERS.some((name) => $(`by-${name}`).value) || !$("unlabelled").checked; }

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const response = await fetch(path, options);
  const reply = await response.json();
  if (!response.ok) throw new Error(reply.error || response.statusText);
  return reply;
}
const asLabeller = (path) => ask(`${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams({ labeller: labeller() })}`);
let queue = Promise.resolve();
function inTurn(act) {
  const mine = queue.then(act, act);
  queue = mine.catch(() => {});
  return mine;
}

function take({ tasks: upcoming, progress }) {
  // A label that is still being sent may be among the tasks that the server lists.
  known = true;
  tasks = upcoming.filter((task) => !sending.some((sent) => same(sent, task)));
  sayProgress(progress);
  for (const task of tasks) preload(task);
  show();
}
function sayProgress(progress) {
  const n = (value) => value.toLocaleString("en");
  total = progress.pictures;
  const done = progress.sampled ?? progress.labelled;
  $("bar").hidden = !progress.goal;
  if (progress.goal) {
    $("bar").max = progress.goal;
    $("bar").value = Math.min(done, progress.goal);
    const reached = done >= progress.goal ? (progress.sampled == null ? ": enough for a calibration" : ": the sample is whole") : "";
    $("goal").textContent = progress.sampled == null ? `${n(Math.min(done, progress.goal))} of ${n(progress.goal)} for calibration${reached && `. ${n(done)} labelled${reached}`}` : `${n(done)} of ${n(progress.goal)} of the sample${reached}`;
  } else $("goal").textContent = `${n(done)} of ${n(total)} answers reviewed`;
  const parts = [`${n(progress.mine)} by you`];
  if (progress.uncertain_left) parts.push(`${n(progress.uncertain_left)} uncertain left`);
  if (progress.skipped) parts.push(`${n(progress.skipped)} skipped`);
  $("progress").textContent = kind === "pictures" ? `${n(progress.labelled)} of ${n(total)} pictures labelled, ${parts.join(", ")}` : parts.join(", ");
  $("total").textContent = `of ${n(total)}`;
}
function preload(task) {
  if (kind === "refusals" && !task.picture) return;
  const url = pictureOf(task);
  if (loaded.has(url)) return;
  const image = new Image();
  image.src = url;
  loaded.set(url, image); // the page keeps the picture: the server lets nothing be cached
  if (loaded.size > 24) loaded.delete(loaded.keys().next().value);
}
function say(sentence) {
  $("message").textContent = sentence;
  $("question").textContent = "\u00a0"; $("part").textContent = ""; $("note").value = "";
  document.documentElement.dataset.task = "";
}
function show() {
  const task = current();
  const ready = Boolean(task && labeller());
  for (const element of document.querySelectorAll("#keys button, #yes-no button, #skip, #note")) element.disabled = !ready;
  $("back").disabled = !before.length || !labeller();
  $("keys").hidden = kind !== "pictures"; $("yes-no").hidden = kind === "pictures";
  $("help").hidden = kind !== "pictures"; $("help-refusals").hidden = kind === "pictures";
  $("message").hidden = ready;
  $("own").hidden = !(ready && task.answered); $("going").hidden = !(ready ? task.answered || shown : known && labeller() && filtering() && after);
  $("reply").hidden = !ready || kind === "pictures";
  $("frame").hidden = !ready || (kind === "refusals" && !task.picture);
  $("stage").classList.toggle("reading", kind === "refusals");
  $("filtered").textContent = filtering() ? "on" : "";
  if (!labeller()) { say("Write your name above to begin."); return; }
  if (!task) { if (!sending.length && known) say(end()); return; }
  const url = pictureOf(task);
  if (!$("frame").hidden && $("picture").getAttribute("src") !== url) { $("picture").src = url; zoom(false); }
  $("question").textContent = kind === "pictures" ? `How many ${task.plural}?` : "Is this a refusal?";
  $("part").textContent = `${kind === "pictures" ? "Picture" : "Answer"} ${task.number.toLocaleString("en")}${task.of > 1 ? `, noun ${task.which} of ${task.of} in it` : ""}`;
  $("asked").textContent = task.text ?? ""; $("words").textContent = task.words || "No words.";
  if (document.activeElement !== $("note")) $("note").value = notes.get(addressOf(task)) ?? task.note;
  if (task.answered) sayOwn(task);
  $("last").hidden = Boolean(task.answered);
  drawBoxes($("boxes"), task.answered && kind === "pictures" ? task : null);
  document.documentElement.dataset.task = `${task.key}/${task.turn}/${task.noun}`;
}
function end() {
  if (filtering()) return after ? "That was the last one with this filter. “Go on” begins again." : "There is none with this filter.";
  if (kind === "refusals") return "Every answer is reviewed. Thank you.";
  const refusals = document.querySelector('[data-kind="refusals"]');
  return `Every picture is labelled. Thank you.${refusals.closest("[hidden]") ? "" : " The refusals can be reviewed, too."}`;
}
async function sayOwn(task) {
  // A picture listed by a filter comes without its answers.
  if (!("read" in task) && !("answers" in task)) {
    try { Object.assign(task, await asLabeller(`task/${addressOf(task)}`)); } catch (error) { fail(error.message); return; }
    if (current() !== task) return;
  }
  $("own").textContent = answer(task);
}

async function give(count, noun) {
  const task = current();
  if (!task || !labeller() || sending.some((sent) => same(sent, task))) return;
  endTyping();
  await saveNote();
  if (!current() || !same(current(), task)) return; // a reply that came meanwhile lists the same tasks anew
  fail("");
  const again = shown, refused = noun === REFUSAL, stays = again && task.of > 1 && !refused;
  sending.push(task);
  remember(task);
  if (!again) tasks = tasks.filter((other) => !same(other, task) && !(refused && samePicture(other, task)));
  else if (!stays) shown = null;
  if (filtering() && !again && !tasks.some((other) => samePicture(other, task))) after = Math.max(after, task.number);
  show();
  try {
    const body = { key: task.key, turn: task.turn, noun: noun ?? task.noun, count, labeller: labeller(), view: view() };
    const { result, ...upcoming } = await inTurn(() => ask("label", body));
    sending = sending.filter((sent) => sent !== task);
    if (result.left.length) feedback(task, "The counter’s answer is shown when everything in this picture is counted.");
    else feedback(task, answer(result), result.sampled === false, kind === "pictures");
    // In a picture that was gone to, the next noun follows, whatever is drawn next.
    if (stays && shown && same(shown, task)) shown = result.left.length || task.which < task.of ? await asLabeller(nounOf(task, result.left)) : null;
    take(upcoming);
  } catch (error) {
    sending = sending.filter((sent) => sent !== task);
    if (again) shown = again; else tasks = [task, ...tasks];
    show();
    fail(`Not saved: ${error.message} Try again.`);
  }
}
function nounOf(task, left) { return `task/${addressOf(task)}${left.length ? "" : `?which=${task.which + 1}`}`; }
function remember(task) {
  before = [...before.filter((other) => !samePicture(other, task)), { key: task.key, turn: task.turn, kind }].slice(-500);
  $("back").disabled = !before.length;
}
function feedback(task, sentence, chosen = false, boxes = false) {
  // The answer stands beside the picture it is about: the large one is already the next.
  const image = task ? loaded.get(pictureOf(task))?.cloneNode() : null;
  const parts = [];
  if (image) {
    const small = document.createElement("button"), svg = svgOf();
    small.type = "button"; small.className = "small"; small.title = "Go back to this picture";
    image.alt = "The picture of this answer";
    small.append(image, svg);
    small.addEventListener("click", () => goTo(task));
    if (boxes) drawBoxes(svg, task);
    parts.push(small);
  }
  const text = document.createElement("span");
  text.textContent = sentence;
  parts.push(text);
  if (chosen) {
    const why = document.createElement("p");
    why.className = "quiet";
    why.textContent = kind === "pictures" ? "Given ahead of the drawn order: rates are corrected by it when the order comes to it." : "Given ahead of the drawn order.";
    parts.push(why);
  }
  $("last").replaceChildren(...parts);
}
const READ = { unread: "a failure: nothing it knows", stated: "a refusal with a stated reason", capability: "a refusal: it says it is unable to", unexplained: "a refusal without a reason", deflected: "a refusal: it talks instead of drawing", silent: "a refusal in silence" };
function answer(result) {
  if ("read" in result) {
    const said = result.own == null ? "cannot tell" : result.own ? "a refusal" : "no refusal";
    const named = [result.category, result.code].filter(Boolean).join(", ");
    return `You: ${said}. Read as ${READ[result.read] ?? result.read}${named && ` (${named})`}.`;
  }
  const { answers, text, refusal } = result;
  const list = (name, none) => answers.map((count) => `${count[name] ?? none}${answers.length > 1 ? ` ${count.noun}` : ""}`).join(", ");
  const asked = answers.some((count) => count.asked != null) ? `; asked: ${list("asked", "?")}` : "";
  return `You: ${refusal ? "a refusal" : list("own", "cannot tell")}. The counter: ${list("counted", "nothing")}${asked}. “${text}”`;
}

function svgOf() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [["viewBox", "0 0 1 1"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  return svg;
}
async function drawBoxes(svg, task) {
  svg.toggleAttribute("hidden", !task || !boxesOn);
  const of = task ? addressOf(task) : "";
  if (svg.dataset.of === of) { fitBoxes(); return; }
  svg.dataset.of = of;
  svg.replaceChildren();
  if (!task) return;
  try {
    const boxes = await asLabeller(`boxes/${of}`);
    if (svg.dataset.of !== of) return;
    svg.replaceChildren(...boxes.map((box) => {
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of [["x", box.left], ["y", box.top], ["width", box.width], ["height", box.height]]) rect.setAttribute(name, value);
      if (!box.counted) rect.setAttribute("class", "near");
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = `${box.noun} ${box.score.toFixed(2)}${box.counted ? "" : ", not counted"}`;
      rect.append(title);
      return rect;
    }));
    svg.dataset.drawn = of;
    fitBoxes();
  } catch (error) { fail(error.message); }
}
function fitBoxes() {
  // The picture keeps its shape within its place; the boxes cover what is seen of it.
  const image = $("picture"), svg = $("boxes");
  if (svg.hasAttribute("hidden") || !image.naturalWidth) return;
  const scale = Math.min(image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight);
  svg.setAttribute("width", image.naturalWidth * scale);
  svg.setAttribute("height", image.naturalHeight * scale);
}
function toggleBoxes() {
  boxesOn = !boxesOn;
  $("show-boxes").setAttribute("aria-pressed", String(boxesOn));
  for (const svg of document.querySelectorAll("#boxes, .last svg")) svg.toggleAttribute("hidden", !boxesOn || !svg.dataset.of);
  fitBoxes();
}

async function saveNote() {
  const task = current(), field = $("note");
  if (!task || !labeller()) return;
  const text = field.value.trim(), place = addressOf(task);
  if (text === (notes.get(place) ?? task.note)) return;
  try {
    const { note } = await ask("note", { key: task.key, turn: task.turn, text, labeller: labeller() });
    notes.set(place, note);
  } catch (error) { fail(`The note is not saved: ${error.message}`); }
}
async function undo() {
  if (!labeller()) return;
  fail("");
  try {
    const { undone, ...upcoming } = await inTurn(() => ask("undo", { labeller: labeller(), view: view() }));
    feedback(undone, undone ? `Removed: ${undone.noun === REFUSAL ? "the answer about a refusal" : `${undone.count ?? "cannot tell"} for ${undone.noun}`}.` : "There is no label to remove.");
    shown = null;
    take(upcoming);
    if (undone) { const at = tasks.findIndex((task) => same(task, undone)); if (at > 0) { tasks.unshift(...tasks.splice(at, 1)); show(); } }
  } catch (error) { fail(error.message); }
}
async function skip() {
  const task = current();
  if (!task || !labeller()) return;
  await saveNote();
  fail("");
  endTyping();
  remember(task);
  if (shown) { goOn(); return; }
  tasks = tasks.filter((other) => !samePicture(other, task));
  if (filtering()) after = Math.max(after, task.number);
  show();
  try { take(await inTurn(() => ask("skip", { key: task.key, turn: task.turn, labeller: labeller(), view: view() }))); } catch (error) { fail(error.message); }
}
async function goTo(place) {
  if (!labeller()) return;
  await saveNote();
  fail("");
  endTyping();
  if (place.kind && place.kind !== kind) await choose(place.kind);
  // After what is still being sent: it may be a label of this very picture.
  try { shown = await inTurn(() => asLabeller(`task/${addressOf(place)}`)); preload(shown); show(); } catch (error) { fail(error.message); }
}
function back() {
  const place = before.pop();
  if (place) goTo(place).then(() => { $("back").disabled = !before.length; });
}
async function goOn() {
  await saveNote();
  if (shown) { shown = null; show(); } else if (current()?.answered) skip();
  else if (!current() && filtering() && after) { after = 0; begin(); }
}
async function jump() {
  const number = $("number").value.trim();
  if (!labeller() || !number) return;
  if (!/^\d+$/.test(number) || number < 1 || number > total) { fail(`Give a number from 1 to ${total.toLocaleString("en")}.`); return; }
  await saveNote();
  fail("");
  endTyping();
  try {
    const found = await asLabeller(`number/${number}?kind=${kind}`);
    if (current()) remember(current());
    shown = found; preload(shown); show();
    $("number").value = ""; $("number").blur();
  } catch (error) { fail(error.message); }
}
async function begin() {
  fail("");
  shown = null;
  show();
  if (!labeller()) return;
  sessionStorage.setItem("labeller", labeller());
  try { take(await asLabeller(`next?${new URLSearchParams(view())}`)); agree(); } catch (error) { fail(error.message); }
}
async function choose(other) {
  kind = other; tasks = []; known = false; after = 0;
  for (const button of document.querySelectorAll("[data-kind]")) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  clearFilter();
  await offerFilters();
  await begin();
}
function clearFilter() { for (const name of FILTERS) $(`by-${name}`).value = ""; $("unlabelled").checked = true; after = 0; }
async function offerFilters() {
  try {
    const choices = await ask(`choices?kind=${kind}`);
    for (const name of FILTERS) {
      $(`by-${name}`).replaceChildren(new Option("any", ""), ...choices[name].map((value) => new Option(value.length > 60 ? `${value.slice(0, 59)}…` : value, value)));
      $(`by-${name}`).closest("label").hidden = choices[name].length < 2;
    }
  } catch (error) { fail(error.message); }
}
async function agree() {
  const { alpha, exact, shared } = await ask("agreement");
  $("agreement").textContent = alpha == null
    ? (shared ? `${shared} counts by more than one person; too alike to compute agreement.` : "No count was given by more than one person yet.")
    : `Agreement (Krippendorff’s alpha): ${alpha.toFixed(2)} over ${shared} shared counts; the same number in ${Math.round(exact * 100)} % of pairs.`;
}
function zoom(on = !$("stage").classList.contains("zoomed"), { x = 0.5, y = 0.5 } = {}) {
  const stage = $("stage");
  stage.classList.toggle("zoomed", on);
  if (on) stage.scrollTo(x * stage.scrollWidth - stage.clientWidth / 2, y * stage.scrollHeight - stage.clientHeight / 2);
  $("zoom").setAttribute("aria-pressed", String(on));
  fitBoxes();
}
function startTyping(first = "") {
  if (!current() || !labeller() || kind !== "pictures") return;
  $("typing").hidden = false;
  $("typed").value = first;
  $("typed").focus();
}
function endTyping() { $("typing").hidden = true; $("typed").value = ""; if (document.activeElement === $("typed")) $("typed").blur(); }
function count(number) { if (kind === "pictures" || number < 2) give(number); }

for (const button of document.querySelectorAll("[data-count]")) button.addEventListener("click", () => give(Number(button.dataset.count)));
for (const button of document.querySelectorAll("[data-kind]")) button.addEventListener("click", () => choose(button.dataset.kind));
for (const id of ["unsure", "unsure-refusal"]) $(id).addEventListener("click", () => give(null));
for (const [id, act] of [["refusal", () => give(1, REFUSAL)], ["more", () => startTyping()], ["undo", undo], ["skip", skip], ["back", back], ["go", goOn], ["show-boxes", toggleBoxes]]) $(id).addEventListener("click", act);
$("zoom").addEventListener("click", () => zoom());
$("picture").addEventListener("click", ({ offsetX, offsetY, target }) => zoom(undefined, { x: offsetX / target.clientWidth, y: offsetY / target.clientHeight }));
$("picture").addEventListener("error", () => { if (tasks.length && labeller() && kind === "pictures") begin(); });
$("picture").addEventListener("load", fitBoxes);
addEventListener("resize", fitBoxes);
$("typing").addEventListener("submit", (event) => { event.preventDefault(); if (/^\d+$/.test($("typed").value)) give(Number($("typed").value)); });
$("jump").addEventListener("submit", (event) => { event.preventDefault(); jump(); });
$("note").addEventListener("change", saveNote);
$("labeller").addEventListener("change", () => { before = []; notes.clear(); $("last").replaceChildren(); begin(); });
for (const id of [...FILTERS.map((name) => `by-${name}`), "unlabelled"]) $(id).addEventListener("change", () => { after = 0; begin(); });
$("clear").addEventListener("click", () => { clearFilter(); begin(); });
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target;
  if (field === $("labeller")) { if (event.key === "Enter") field.blur(); return; }
  if (field === $("typed")) { if (event.key === "Escape") endTyping(); return; }
  if (field.matches?.("input, select, textarea")) {
    if (event.key === "Escape" || (event.key === "Enter" && field === $("note"))) { event.preventDefault(); field.blur(); }
    return;
  }
  if (event.repeat) return;
  const acts = {
    "?": () => give(null), c: () => give(null), "+": () => startTyping(), u: undo, Backspace: undo, z: () => zoom(), b: toggleBoxes, s: skip,
    n: () => $("note").focus(), g: () => $("number").focus(), f: () => { $("filter").open = !$("filter").open; }, ArrowLeft: back, ArrowRight: goOn,
  };
  if (kind === "pictures") acts.r = () => give(1, REFUSAL); else acts.y = () => give(1);
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (steps[event.key] && $("stage").classList.contains("zoomed")) acts[event.key] = () => $("stage").scrollBy(...steps[event.key].map((by) => by * 120));
  const act = /^[0-9]$/.test(event.key) ? () => count(Number(event.key)) : acts[event.key];
  if (act) { event.preventDefault(); act(); }
});
$("labeller").value = new URLSearchParams(location.search).get("labeller") || sessionStorage.getItem("labeller") || "";
offerFilters();
begin();
