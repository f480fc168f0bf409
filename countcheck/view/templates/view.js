"use strict";
// Every text comes from runs and models, so it is only ever set as text, never as HTML.
const main = document.getElementById("main"), status = document.getElementById("status");
const place = location.pathname.match(/^\/run\/([0-9a-f]+)$/);
const chosen = new Set();
let last = "";

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  made.append(...children.filter((child) => child != null));
  return made;
}
function ago(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
}
function state(run) {
  if (run.done >= run.planned) return el("span", {}, `${run.planned.toLocaleString("en")} samples`);
  const since = Date.now() / 1000 - run.changed;
  const kind = since < 120 ? el("span", { class: "live" }, "being made") : "unfinished";
  return el("span", {}, `${run.done.toLocaleString("en")} of ${run.planned.toLocaleString("en")} samples, `, kind, `, last change ${ago(since)}`);
}
function bar(model) {
  const made = el("div", { class: "outcomes", role: "img", "aria-label": model.parts.map((part) => `${part.kind} ${part.n}`).join(", ") });
  for (const part of model.parts) {
    const piece = el("span", { class: `v-${part.kind.replace(/ /g, "-")}`, title: `${part.kind} ${part.n}` });
    piece.style.width = `${100 * part.share}%`;
    made.append(piece);
  }
  return made;
}
function rates(run) {
  return el("ul", { class: "rates" }, ...run.models.map((model) => el("li", {},
    el("div", { class: "line" },
      el("bdi", { class: "who" }, model.name),
      el("span", { class: "value" }, model.exact, " ", el("span", { class: "interval" }, model.interval)),
      el("span", { class: "interval" }, model.refused === "–" ? "" : `refused ${model.refused}`)),
    bar(model))));
}
function listed(run) {
  const tick = el("input", { type: "checkbox", value: run.id, "aria-label": `Choose ${run.name}` });
  tick.checked = chosen.has(run.id);
  tick.disabled = Boolean(run.problem);
  tick.addEventListener("change", () => { if (tick.checked) chosen.add(run.id); else chosen.delete(run.id); acts(); });
  const name = el("th", { scope: "row" }, run.problem ? el("bdi", {}, run.name) : el("a", { href: `/run/${run.id}` }, el("bdi", {}, run.name)));
  if (run.problem) return el("tr", {}, el("td", { class: "tick" }, tick), name, el("td", { colspan: 3, class: "problem" }, run.problem));
  return el("tr", {}, el("td", { class: "tick" }, tick), name,
    el("td", {}, el("bdi", {}, run.suite), el("p", { class: "quiet" }, `counter ${run.counter}`)), el("td", {}, rates(run)),
    el("td", {}, state(run), el("p", { class: "quiet" }, run.created.slice(0, 10))));
}
function reportOf(ids) { return `/report?${ids.map((id) => `run=${encodeURIComponent(id)}`).join("&")}`; }
function acts() {
  const button = document.getElementById("open");
  button.disabled = chosen.size === 0;
  button.textContent = chosen.size < 2 ? "Open the report" : `Compare ${chosen.size} runs`;
}
function showList(body) {
  document.getElementById("folder").textContent = body.folder;
  for (const id of [...chosen]) if (!body.runs.some((run) => run.id === id)) chosen.delete(id);
  if (!body.runs.length) {
    const sentence = body.reading ? "Reading the runs …" : "There is no run in this folder yet. It will appear here when one is begun.";
    main.replaceChildren(el("h1", {}, "Runs"), el("p", { class: "quiet" }, sentence));
    return;
  }
  const button = el("button", { type: "button", id: "open" });
  button.addEventListener("click", () => { location.href = reportOf([...chosen]); });
  const focused = document.activeElement?.value;
  main.replaceChildren(
    el("h1", {}, `${body.runs.length} ${body.runs.length === 1 ? "run" : "runs"}`),
    el("div", { class: "bar-of-acts" }, button, el("span", { class: "quiet" }, "Tick one run for its report, two or more to compare them.")),
    el("div", { class: "scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, el("td", {}), ...["Run", "Suite", "Exactly as asked, 95 % interval", "Samples"].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, ...body.runs.map(listed)))), legend(body.runs));
  if (focused) main.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  acts();
}
function legend(runs) {
  const kinds = [...new Set(runs.flatMap((run) => run.models || []).flatMap((model) => model.parts.map((part) => part.kind)))];
  return el("ul", { class: "legend", "aria-label": "Colours of the bars" }, ...kinds.map((kind) => el("li", { class: `v-${kind.replace(/ /g, "-")}` }, kind)));
}
function showRun(run) {
  document.title = `countcheck: ${run.name}`;
  if (run.problem) { main.replaceChildren(el("h1", {}, el("bdi", {}, run.name)), el("p", { class: "problem" }, run.problem)); return; }
  const shots = run.newest.map((one) => el("li", {},
    el("a", { href: `/picture/${run.id}/${encodeURIComponent(one.key)}/${one.turn}`, target: "_blank", rel: "noopener" },
      el("img", { src: `/thumbnail/${run.id}/${encodeURIComponent(one.key)}/${one.turn}`, alt: one.text, loading: "lazy" })),
    el("p", {}, el("span", { class: `verdict v-${one.verdict}`, title: one.reason }, one.verdict || "not judged"), run.models.length > 1 ? ` · ${one.model}` : ""),
    el("p", { class: "quiet" }, one.text)));
  main.replaceChildren(...[
    el("p", { class: "quiet" }, el("a", { href: "/" }, "All runs"), " / ", el("bdi", {}, run.name)),
    el("h1", {}, run.headline),
    el("p", { class: "quiet" }, state(run), ` · suite ${run.suite} · counter ${run.counter}`, run.labels ? ` · ${run.labels} labels` : ""),
    run.done < run.planned ? el("progress", { max: run.planned, value: run.done, "aria-label": "Samples made" }) : null,
    el("div", { class: "bar-of-acts" }, el("a", { class: "button", href: reportOf([run.id]) }, "Open the report")),
    rates(run), legend([run]),
    el("h2", {}, "Newest pictures"), shots.length ? el("ul", { class: "shots" }, ...shots) : el("p", { class: "quiet" }, "No picture has come yet."),
  ].filter(Boolean));
}
async function refresh() {
  let wait = 5000;
  try {
    const answer = await fetch(place ? `/runs/${place[1]}.json` : "/runs.json");
    const text = await answer.text(), body = JSON.parse(text);
    if (!answer.ok) throw new Error(body.error);
    const runs = place ? [body] : body.runs;
    const making = runs.filter((run) => run.done < run.planned && Date.now() / 1000 - run.changed < 120).length;
    if (body.reading || making) wait = 1500;
    // An unchanged list is left alone, so that nobody's selection or scroll position is lost; a run being made shows its age.
    if (text !== last || making) { last = text; if (place) showRun(body); else showList(body); }
    status.textContent = body.reading ? `reading ${body.reading} more …` : making ? "live" : "";
    document.documentElement.dataset.ready = body.reading ? "part" : "all";
  } catch (error) {
    status.textContent = error instanceof TypeError ? "The server has ended. Start countcheck view again." : error.message;
  }
  setTimeout(refresh, document.hidden ? 15000 : wait);
}
refresh();
