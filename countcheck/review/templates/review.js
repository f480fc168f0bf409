"use strict";
const $ = (id) => document.getElementById(id);
const pictureOf = (task) => `picture/${encodeURIComponent(task.key)}/${task.turn}`;
const same = (a, b) => a.key === b.key && a.turn === b.turn && a.noun === b.noun;
let tasks = [], sending = [], known = false, loaded = new Map();

function labeller() { return $("labeller").value.trim(); }
function fail(sentence) { $("error").textContent = sentence; $("error").hidden = !sentence; }

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const response = await fetch(path, options);
  const reply = await response.json();
  if (!response.ok) throw new Error(reply.error || response.statusText);
  return reply;
}

function take({ tasks: upcoming, progress }) {
  // A label that is still being sent may be among the tasks that the server lists.
  known = true;
  tasks = upcoming.filter((task) => !sending.some((sent) => same(sent, task)));
  const n = (value) => value.toLocaleString("en");
  $("progress").textContent = `${n(progress.labelled)} of ${n(progress.pictures)} pictures labelled, ${n(progress.mine)} by you; ${n(progress.uncertain_left)} uncertain left${progress.labelled < progress.goal ? `; ${n(progress.goal - progress.labelled)} more for a calibration` : ""}`;
  for (const task of tasks) preload(task);
  show();
}
function preload(task) {
  const url = pictureOf(task);
  if (loaded.has(url)) return;
  const image = new Image();
  image.src = url;
  loaded.set(url, image); // the page keeps the picture: the server lets nothing be cached
  if (loaded.size > 24) loaded.delete(loaded.keys().next().value);
}
function show() {
  const task = tasks[0];
  const ready = Boolean(task && labeller());
  for (const button of $("keys").querySelectorAll("button")) button.disabled = !ready;
  $("picture").hidden = !ready;
  $("message").hidden = ready;
  if (!labeller()) { $("message").textContent = "Write your name above to begin."; $("question").textContent = "\u00a0"; $("part").textContent = ""; return; }
  if (!task) {
    if (sending.length || !known) return;
    $("message").textContent = "Every picture is labelled. Thank you.";
    $("question").textContent = "\u00a0"; $("part").textContent = "";
    document.documentElement.dataset.task = "";
    return;
  }
  const url = pictureOf(task);
  if ($("picture").getAttribute("src") !== url) { $("picture").src = url; zoom(false); }
  $("question").textContent = `How many ${task.plural}?`;
  $("part").textContent = task.of > 1 ? `Noun ${task.which} of ${task.of} in this picture` : "";
  document.documentElement.dataset.task = `${task.key}/${task.turn}/${task.noun}`;
}
async function give(count) {
  const task = tasks[0];
  if (!task || !labeller()) return;
  endTyping();
  fail("");
  sending.push(task);
  tasks = tasks.slice(1);
  show();
  try {
    const { result, ...upcoming } = await inTurn(() => ask("label", { ...task, count, labeller: labeller() }));
    sending = sending.filter((sent) => sent !== task);
    feedback(task, result.left.length ? "The counter’s answer is shown when everything in this picture is counted." : answer(result));
    take(upcoming);
  } catch (error) {
    sending = sending.filter((sent) => sent !== task);
    tasks = [task, ...tasks];
    show();
    fail(`Not saved: ${error.message} Try again.`);
  }
}
function feedback(task, sentence) {
  // The answer stands beside the picture it is about: the large one is already the next.
  const image = task ? loaded.get(pictureOf(task))?.cloneNode() : null;
  if (image) { image.alt = "The picture of this answer"; image.className = "small"; }
  $("last").replaceChildren(...(image ? [image] : []), sentence);
}
function answer({ answers, text }) {
  const list = (name, none) => answers.map((count) => `${count[name] ?? none}${answers.length > 1 ? ` ${count.noun}` : ""}`).join(", ");
  const asked = answers.some((count) => count.asked != null) ? `; asked: ${list("asked", "?")}` : "";
  return `You: ${list("own", "cannot tell")}. The counter: ${list("counted", "nothing")}${asked}. “${text}”`;
}
let queue = Promise.resolve();
function inTurn(act) {
  const mine = queue.then(act, act);
  queue = mine.catch(() => {});
  return mine;
}
async function undo() {
  if (!labeller()) return;
  fail("");
  try {
    const { undone, ...upcoming } = await inTurn(() => ask("undo", { labeller: labeller() }));
    feedback(undone, undone ? `Removed: ${undone.count ?? "cannot tell"} for ${undone.noun}.` : "There is no label to remove.");
    take(upcoming);
    if (undone) { const at = tasks.findIndex((task) => same(task, undone)); if (at > 0) { tasks.unshift(...tasks.splice(at, 1)); show(); } }
  } catch (error) { fail(error.message); }
}
async function begin() {
  fail("");
  show();
  if (!labeller()) return;
  sessionStorage.setItem("labeller", labeller());
  try { take(await ask(`next?${new URLSearchParams({ labeller: labeller() })}`)); agree(); } catch (error) { fail(error.message); }
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
}
function startTyping(first = "") {
  if (!tasks.length || !labeller()) return;
  $("typing").hidden = false;
  $("typed").value = first;
  $("typed").focus();
}
function endTyping() { $("typing").hidden = true; $("typed").value = ""; if (document.activeElement === $("typed")) $("typed").blur(); }

for (const button of $("keys").querySelectorAll("[data-count]")) button.addEventListener("click", () => give(Number(button.dataset.count)));
$("unsure").addEventListener("click", () => give(null));
$("more").addEventListener("click", () => startTyping());
$("undo").addEventListener("click", undo);
$("zoom").addEventListener("click", () => zoom());
$("picture").addEventListener("click", ({ offsetX, offsetY, target }) => zoom(undefined, { x: offsetX / target.clientWidth, y: offsetY / target.clientHeight }));
$("picture").addEventListener("error", () => { if (tasks.length && labeller()) begin(); });
$("typing").addEventListener("submit", (event) => { event.preventDefault(); if (/^\d+$/.test($("typed").value)) give(Number($("typed").value)); });
$("labeller").addEventListener("change", begin);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === $("labeller")) { if (event.key === "Enter") $("labeller").blur(); return; }
  if (event.target === $("typed")) { if (event.key === "Escape") endTyping(); return; }
  if (event.repeat) return;
  const acts = { "?": () => give(null), c: () => give(null), "+": () => startTyping(), u: undo, Backspace: undo, z: () => zoom() };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (steps[event.key] && $("stage").classList.contains("zoomed")) acts[event.key] = () => $("stage").scrollBy(...steps[event.key].map((by) => by * 120));
  const act = /^[0-9]$/.test(event.key) ? () => give(Number(event.key)) : acts[event.key];
  if (act) { event.preventDefault(); act(); }
});
$("labeller").value = new URLSearchParams(location.search).get("labeller") || sessionStorage.getItem("labeller") || "";
begin();
