// The work on one figure: what the server says is shown, each action is kept at once, nothing is overwritten unseen.
import { fixed, Stage } from "./stage.js";
import { Grid } from "./grid.js";
import { right, wrong } from "./entry.js";

const root = document.getElementById("figure");
const base = root.dataset.base;
const $ = (id) => document.getElementById(id);
const app = { view: null, changes: {}, layer: "x", tool: "move" };
let waiting = null, sending = false, burst = 0, stale = false;

const say = (words) => { if ($("said").textContent !== words) $("said").textContent = words; };

// What stands in the way of something is told at the button that asked for it, else above the figure.
function alertWith(lines, buttons = [], at = "alert") {
  for (const other of root.querySelectorAll(".alert")) if (other.id !== at) other.replaceChildren();
  $(at).replaceChildren(...lines.map((t) => { const p = document.createElement("p"); p.textContent = t; return p; }));
  if (buttons.length) {
    const p = document.createElement("p");
    for (const [label, go] of buttons) p.append(button(label, go), " ");
    $(at).append(p);
  }
  if (at !== "alert" && $(at).childElementCount) { $(at).scrollIntoView({ block: "nearest" }); $(at).focus({ preventScroll: true }); }
}

function button(label, go) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "quiet", textContent: label });
  made.addEventListener("click", go);
  return made;
}

async function ask(path, body) {
  const reply = await fetch(`${base}/${path}`, body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const text = await reply.text();
  let answer;
  try { answer = JSON.parse(text); } catch { answer = { error: text.startsWith("<") ? "The server refused this." : text, problems: [] }; }
  return { ok: reply.ok, status: reply.status, answer };
}

// One action: changes are made here at once, drawn, and kept by the server; a burst of key presses is one action.
function act(what, change, { burst: isBurst = false } = {}) {
  const next = structuredClone(app.changes);
  change(next);
  app.changes = next;
  waiting = { what, action: crypto.randomUUID() };
  stage.draw();
  grid.show();
  lists();
  clearTimeout(burst);
  if (isBurst) burst = setTimeout(flush, 350); else flush();
  say("Saving.");
}

async function flush() {
  clearTimeout(burst);
  if (sending || !waiting || stale) return;
  sending = true;
  const mine = waiting;
  waiting = null;
  try {
    const { ok, status, answer } = await ask("save", { version: app.view.version, changes: app.changes, what: mine.what, action: mine.action });
    if (ok) { say(answer.problems.length ? `Saved, but it cannot be used like this: ${answer.problems[0].text} Undo takes it back.` : `Saved: ${mine.what}.`); take(answer, { keep: Boolean(waiting) }); }
    else if (status === 409) conflict(answer.error, mine);
    else { say("Not saved."); alertWith(answer.problems?.length ? answer.problems.map((p) => p.text) : [answer.error], [["Go back to what was saved", load]]); }
  } catch {
    waiting ??= mine;
    say("Not saved yet: the server does not answer. This page keeps your change and tries again.");
    setTimeout(flush, 1500);
  }
  sending = false;
  if (waiting && !stale && !$("said").textContent.startsWith("Not saved yet")) flush();
}

// While a handle is dragged: what the residuals would be, asked again as soon as the last answer is there.
let trying = false, later = false;
app.tryout = async () => {
  if (trying) { later = true; return; }
  if (!app.view.reading) return;
  trying = true;
  later = false;
  try {
    const { ok, answer } = await ask("try", { changes: app.changes });
    if (ok && stage.moved) { Object.assign(app.view, answer); tables(); }
  } catch { /* the release of the handle says what is wrong */ }
  trying = false;
  if (later && stage.moved) app.tryout();
};

async function settled() {
  clearTimeout(burst);
  await flush();
  while (sending || waiting) await new Promise((done) => setTimeout(done, 40));
}

function conflict(words, mine) {
  stale = true;
  say("Not saved.");
  const kept = app.changes;
  alertWith([words], [
    ["Show the other version", load],
    ["Put mine after it", async () => { await load(); if (app.view.reading || kept.x_axis) act(mine.what, (c) => Object.assign(c, kept)); }],
  ]);
}

// A rebuilding saves a curve: the states in the rail, which the page wrote when it was opened, are read anew.
async function railAnew() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = [...page.querySelectorAll(".rail ol a")], shown = [...document.querySelectorAll(".rail ol a")];
  shown.forEach((link, k) => {
    const [now, then] = [fresh[k]?.querySelector(".state"), link.querySelector(".state:not(.left)")];
    if (now && then) then.textContent = now.textContent;
    else if (now) link.firstChild.after(document.importNode(now, true));
    else then?.remove();
  });
}

async function load() {
  try {
    const { ok, answer } = await ask("view.json");
    if (!ok) { say(answer.error); return; }
    stale = false;
    waiting = null;
    alertWith([]);
    take(answer);
    if (!answer.reads && !answer.changes) await read();
    else say(answer.step ? `Step ${answer.step} of ${answer.last}: ${answer.what}.` : "Ready.");
  } catch {
    say("The server does not answer. Trying again.");
    setTimeout(load, 1500);
  }
}

async function does(path, body, { busy, done, at = "alert" }) {
  await settled();
  if (stale) { if (at !== "alert") alertWith(["First decide above what becomes of the change that was not saved."], [], at); return; }
  say(busy);
  root.setAttribute("aria-busy", "true");
  try {
    const { ok, status, answer } = await ask(path, { version: app.view.version, action: crypto.randomUUID(), ...body });
    if (ok) { alertWith([]); take(answer); say(done(answer)); }
    else if (status === 409) conflict(answer.error, { what: "changed" });
    else {
      say("This could not be done.");
      const lines = answer.problems?.length ? answer.problems.map((p) => p.text) : [answer.error];
      alertWith(lines, status === 429 || path === "read" ? ways(path, body, { busy, done, at }) : [], at);
      choices(answer.found ?? []);
    }
  } catch {
    const words = "The server does not answer. Nothing is lost: try again when it is back.";
    say(words);
    alertWith(at === "alert" ? [] : [words], ways(path, body, { busy, done, at }), at);
  }
  root.removeAttribute("aria-busy");
}

// The ways on after something failed: again, or (nothing read yet) by hand.
function ways(path, body, words) {
  const found = [["Try again", () => does(path, body, words)]];
  if (!app.view.changes) found.push(["Mark the axes by hand", () => does("by-hand", {}, { busy: "Getting the handles.", done: () => "Mark both axes, then read the figure." })]);
  return found;
}

const read = (more = {}, at = "alert") => does("read", more, { at, busy: "Reading the figure. This can take half a minute for a picture.", done: (v) => (v.refusal ? "The figure was not read." : `Read: grade ${v.reading.grade}.`) });
const go = (step) => does("go", { step }, { busy: "Going back.", done: (v) => `Step ${v.step} of ${v.last}: ${v.what}.` });

function take(view, { keep = false } = {}) {
  const first = !app.view || app.view.page !== view.page || Boolean(app.view.reading) !== Boolean(view.reading);
  app.view = view;
  if (!keep) app.changes = structuredClone(view.changes ?? {});
  $("undo").disabled = !view.undo;
  $("redo").disabled = !view.redo;
  $("editor").hidden = !view.changes;
  for (const part of root.querySelectorAll(".needs-reading")) part.hidden = !view.reading;
  for (const code of root.querySelectorAll("[data-same]")) code.textContent = view.same[code.dataset.same];
  if (!view.changes) return;
  if (first) { $("page").value = view.page > 1 ? view.page : ""; $("panel").value = view.panel > 1 ? view.panel : ""; }
  const layerOf = /^t?(\d+)$/.exec(app.layer);
  if (layerOf && !app.changes.curves?.[Number(layerOf[1])]) app.layer = "x";
  if (!view.reading && app.tool === "erase") { app.tool = "move"; root.querySelector("[name=tool][value=move]").checked = true; }
  layers();
  key();
  verdict();
  lists();
  tables();
  rebuilt();
  if (view.refusal) choices(view.refusal.found);
  stage.show();
  grid.show();
}

function layers() {
  const curves = app.changes.curves ?? [];
  const names = [
    ["x", "Time axis"], ["y", "Survival axis"], ...curves.map((c, k) => [String(k), c.arm]),
    ...curves.map((c, k) => [`t${k}`, `Marks of ${c.arm}`]), ["region", "Edges of the panel"], ["exclude", "Places without a curve"],
  ];
  const key = JSON.stringify(names);
  if ($("layers").dataset.key === key) return;
  $("layers").dataset.key = key;
  for (const old of $("layers").querySelectorAll("label")) old.remove();
  for (const [value, name] of names) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "layer", value, checked: value === app.layer });
    label.append(input, name);
    $("layers").append(label);
  }
}

// The key: how each curve is drawn, and the colour in which it is printed.
function key() {
  const bar = (attributes, name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), node = document.createElementNS("http://www.w3.org/2000/svg", attributes.d ? "path" : "rect");
    svg.setAttribute("viewBox", attributes.d ? "0 0 32 10" : "0 0 10 10");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", name);
    for (const [a, v] of Object.entries(attributes)) node.setAttribute(a, v);
    svg.append(node);
    return svg;
  };
  $("key").replaceChildren(...(app.changes.curves ?? []).flatMap((c, k) => {
    if (!c.on) return [];
    const look = stage.look_of(k), li = document.createElement("li");
    li.append(bar({ d: "M0 5H32", stroke: look.colour, "stroke-width": 3, "stroke-dasharray": look.dashes }, "drawn"), ` ${c.arm}`);
    if (look.printed) li.append(", printed in", bar({ width: 10, height: 10, fill: look.printed }, "printed"));
    return [li];
  }));
  if (!app.view.rebuilt?.current) return;
  const li = document.createElement("li");
  li.append(bar({ d: "M0 5H32", stroke: "#ffd23f", "stroke-width": 3, "stroke-dasharray": "5 4" }, "drawn"), " rebuilt patients, each arm");
  $("key").append(li);
}

function verdict() {
  const { reading, refusal, problems, adjusted } = app.view;
  const out = [];
  if (refusal) {
    out.push(`Not read: ${refusal.problems.map((p) => p.text).join(" ")}`);
    if (refusal.found.length) out.push(`Seen: ${refusal.found.join("; ")}.`);
    out.push("Put the handles of both axes on printed labels, type the value of each, then read the figure again.");
  } else if (reading) {
    const now = adjusted ?? reading;
    out.push(`${problems.length ? "Not to be used as it stands: see above" : `Grade ${now.grade}`}, read from the ${reading.method === "vector" ? "drawing itself" : "picture"}. The drawn lines must lie on the printed ones: look before you go on.`);
    for (const w of now.warnings) out.push(w);
    for (const w of adjusted?.set_by_hand ?? []) out.push(w[0].toUpperCase() + w.slice(1) + ".");
  } else out.push("Not read yet. Put the handles of both axes on printed labels, type the value of each, then read the figure.");
  $("verdict").textContent = out.join("\n");
  if (problems.length) alertWith(problems.map((p) => p.text)); else if (!stale && !root.querySelector(".alert button")) alertWith([]);
}

function row(cells) {
  const tr = document.createElement("tr");
  cells.forEach(([value, kind], k) => {
    const td = document.createElement(kind === "head" ? "th" : "td");
    if (kind === "head") td.scope = "row";
    if (kind === "right") td.className = "right";
    if (value instanceof Node) td.append(value); else td.textContent = value ?? "";
    tr.append(td);
  });
  return tr;
}

function tables() {
  const { adjusted, reading, problems } = app.view;
  const now = adjusted ?? reading;
  if (!now) return;
  $("axes").tBodies[0].replaceChildren(...[["x_axis", "Time"], ["y_axis", "Survival"]].map(([k, name]) => row([
    [now[k].label ? `${name} (${now[k].label})` : name, "head"], [app.changes[k]?.length ?? 0, "right"],
    [problems.length ? "not known" : fixed(now[k].residual_px, 2), "right"], [problems.length ? "" : (adjusted?.residuals[k] ?? []).map((v) => fixed(v, 2)).join(", ")],
  ])));
}

function lists() {
  const { reading, adjusted } = app.view;
  if (reading) {
    const key = JSON.stringify([app.changes.curves?.map((c) => [c.arm, c.on, c.corners?.length, c.ticks?.length]), adjusted?.curves]);
    if ($("curves").dataset.key !== key && !$("curves").contains(document.activeElement?.matches?.("input[type=text]") ? document.activeElement : null)) {
      $("curves").dataset.key = key;
      const focus = document.activeElement?.id;
      let used = -1;
      $("curves").tBodies[0].replaceChildren(...app.changes.curves.map((c, k) => {
        const on = document.createElement("input");
        Object.assign(on, { type: "checkbox", checked: c.on, id: `use-${k}` });
        on.setAttribute("aria-label", `Use ${c.arm}`);
        on.addEventListener("change", () => act(`${on.checked ? "used" : "left out"} ${c.arm}`, (x) => { x.curves[k].on = on.checked; }));
        const name = document.createElement("input");
        Object.assign(name, { type: "text", value: c.arm, maxLength: 200, id: `name-${k}` });
        name.setAttribute("aria-label", `Name of curve ${k + 1}`);
        name.addEventListener("change", () => { if (name.value.trim()) act(`named ${name.value.trim()}`, (x) => { x.curves[k].arm = name.value.trim(); }); });
        if (c.on) used += 1;
        const facts = c.on ? adjusted?.curves[used] : null;
        const cell = document.createElement("span");
        cell.append(on);
        return row([[cell], [name], [facts?.drops, "right"], [facts?.ticks, "right"], [facts?.last_survival == null ? "" : fixed(facts.last_survival, 3), "right"]]);
      }));
      if (focus) $(focus)?.focus();
    }
    given();
  }
  $("unit").value = app.changes.time_unit ?? "";
  $("percent").value = app.changes.percent == null ? "" : app.changes.percent ? "yes" : "no";
  $("upward").value = app.changes.upward == null ? "" : app.changes.upward ? "yes" : "no";
  $("picks").replaceChildren(...(app.changes.picks ?? []).map((p, k) => {
    const li = document.createElement("li");
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    mark.setAttribute("viewBox", "0 0 10 10");
    mark.setAttribute("aria-hidden", "true");
    const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [a, v] of [["width", 10], ["height", 10], ["fill", p.colour]]) square.setAttribute(a, v);
    mark.append(square);
    li.append(mark, `Curve of colour ${p.colour}`, button("Remove", () => act("removed a colour", (c) => c.picks.splice(k, 1))));
    li.lastChild.setAttribute("aria-label", `Remove colour ${p.colour}`);
    return li;
  }));
}

function given() {
  const arms = app.changes.curves.filter((c) => c.on).map((c) => c.arm);
  const key = JSON.stringify(arms);
  if ($("given").dataset.key === key) return;
  $("given").dataset.key = key;
  const known = app.view.rebuilt?.options ?? {};
  $("given").tBodies[0].replaceChildren(...arms.map((arm) => row([[arm, "head"], ...["n", "events"].map((what) => {
    const input = document.createElement("input");
    const before = typeof known[what] === "object" ? known[what]?.[arm] : arms.length === 1 ? known[what] : null;
    Object.assign(input, { type: "text", inputMode: "numeric", autocomplete: "off", value: before ?? "" });
    input.dataset.arm = arm;
    input.dataset.what = what;
    input.setAttribute("aria-label", `${what === "n" ? "Patients" : "Events"} of ${arm}`);
    return [input];
  })])));
}

function rebuilt() {
  const r = app.view.rebuilt;
  $("rebuilt").hidden = !r;
  if (!r) return;
  $("grade").textContent = r.current ? `Patients: grade ${r.grade}. Times in ${r.unit}.` : `Patients: grade ${r.grade}, from an earlier step. Rebuild to see the figure as it is now.`;
  const usual = "mixture-cure:weibull"; // as for a curve that was pasted
  if ($("onward")) $("onward").href = `${$("onward").dataset.to}?${new URLSearchParams({ curve: r.curve, model: usual })}`;
  const f = (v, n) => (v == null ? "" : Number.isInteger(v) ? String(v) : fixed(v, n));
  $("arms").tBodies[0].replaceChildren(...r.arms.map((a) => row([[a.arm, "head"], [a.n, "right"], [a.events, "right"], [f(a.mean_residual, 4), "right"], [f(a.max_residual, 4), "right"]])));
  const group = (name) => {
    const tr = document.createElement("tr"), th = document.createElement("th");
    Object.assign(th, { colSpan: 5, scope: "rowgroup", textContent: name });
    tr.className = "group";
    tr.append(th);
    return tr;
  };
  $("checks").tBodies[0].replaceChildren(...r.checks.flatMap((c, k) => [...(c.arm === r.checks[k - 1]?.arm ? [] : [group(c.arm)]), row([[c.item, "head"], [f(c.published, 3), "right"], [f(c.rebuilt, 3), "right"],
    [c.low == null ? "" : `${f(c.low, 3)} to ${f(c.high, 3)}`, "right"], [c.ok ? "yes" : c.hard ? "no, and it must" : "no"]])]));
  $("repairs").replaceChildren(...[...r.repairs.map((p) => `${p.arm}: ${p.what}${p.count > 1 ? ` (${p.count})` : ""}`), ...r.warnings].map((t) => { const li = document.createElement("li"); li.textContent = t; return li; }));
}

function choices(found) {
  const hits = found.map((t) => /^(page|panel) (\d+)/.exec(t)).filter(Boolean);
  $("choices").replaceChildren(...hits.map((h) => button(`Read ${h[0]}`, () => { $(h[1]).value = h[2]; again(); })));
}

function again() {
  if (["page", "panel"].some((id) => !counted($(id)))) return;
  const number = (id) => ($(id).value.trim() ? Number($(id).value) : null);
  const body = { page: number("page"), panel: number("panel") };
  const choosing = !app.view.reading && !(app.changes.x_axis ?? []).some((p) => p.value != null) && !(app.changes.y_axis ?? []).some((p) => p.value != null);
  if (!choosing) body.changes = app.changes;
  read(body, "again-alert");
}

// Whether a field holds a whole number or nothing; it is told at the field where not.
function counted(input) {
  const text = input.value.trim();
  if (!text || /^\d{1,8}$/.test(text)) { right(input); return true; }
  wrong(input, `"${text}" is not a whole number.`);
  input.focus();
  return false;
}

const stage = new Stage(app, act);
const grid = new Grid(app, act);
$("layers").addEventListener("change", (e) => { app.layer = e.target.value; stage.handle = 0; stage.draw(); });
$("tools").addEventListener("change", (e) => { app.tool = e.target.value; stage.cross = null; stage.draw(); });
$("undo").addEventListener("click", async () => { await settled(); go(app.view.step - 1); });
$("redo").addEventListener("click", async () => { await settled(); go(app.view.step + 1); });
$("again").addEventListener("click", again);
$("rebuild").addEventListener("click", () => {
  const cell = root.querySelector("#risk [aria-invalid=true]");
  if (cell) {
    alertWith([`Numbers at risk, ${cell.getAttribute("aria-label")}: "${cell.value}" is no number. Correct it or empty the cell first.`], [["Go to it", () => cell.focus()]], "rebuild-alert");
    return;
  }
  const body = { unit: app.changes.time_unit, n: {}, events: {} };
  for (const input of $("given").querySelectorAll("input")) {
    const text = input.value.trim();
    if (!counted(input)) return;
    if (text) body[input.dataset.what][input.dataset.arm] = Number(text);
  }
  does("rebuild", body, { at: "rebuild-alert", busy: "Rebuilding the patients.", done: (v) => { railAnew(); return `Patients rebuilt: grade ${v.rebuilt.grade}.`; } });
});
$("unit").addEventListener("change", () => act("set the time unit", (c) => { c.time_unit = $("unit").value || null; }));
for (const id of ["percent", "upward"]) $(id).addEventListener("change", () => act(`set ${id}`, (c) => { c[id] = $(id).value ? $(id).value === "yes" : null; }));
$("value").addEventListener("change", () => {
  const text = $("value").value.trim().replace(",", ".");
  const value = Number(text);
  if (text !== "" && !Number.isFinite(value)) { wrong($("value"), `"${text}" is not a number.`); return; }
  right($("value"));
  const k = stage.handle, name = app.layer === "x" ? "x_axis" : "y_axis";
  act("set the value of an axis point", (c) => { c[name][k].value = text === "" ? null : stage.percent() ? value / 100 : value; });
});
root.querySelector(".nudge").addEventListener("click", (e) => {
  const { move, do: what } = e.target.dataset;
  if (move) stage.nudge(...move.split(" ").map(Number));
  else if (what === "previous") stage.choose(-1);
  else if (what === "next") stage.choose(1);
  else if (what === "add") stage.add();
  else if (what === "delete") stage.erase();
});
document.addEventListener("keydown", (e) => {
  if (!(e.ctrlKey || e.metaKey) || e.altKey || e.target.matches("input[type=text]")) return;
  const key = e.key.toLowerCase();
  if (key === "z" && !e.shiftKey) { e.preventDefault(); if (!$("undo").disabled || waiting) $("undo").click(); }
  else if (key === "y" || (key === "z" && e.shiftKey)) { e.preventDefault(); if (!$("redo").disabled) $("redo").click(); }
});
addEventListener("beforeunload", (e) => { if (waiting || sending) e.preventDefault(); });
addEventListener("pageshow", (e) => { if (e.persisted) load(); });
load();
