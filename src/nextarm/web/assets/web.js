// Progressive: every page works without this. Forms that ask answer as one types, runs show their progress, texts copy.
const answer = () => document.getElementById("answer");
const pause = (wait) => new Promise((done) => setTimeout(done, wait));
let asking = null, answered = location.pathname + location.search; // the question that is asked, and the one that what stands below answers

// An answer that replaces another holds only the drawings that this window shows; when the window crosses the border it asks again.
const small = matchMedia("(max-width:45rem)");
small.addEventListener("change", () => { if (answer()?.querySelector(".chart .only")) show(location.pathname + location.search, { push: false }); });

async function show(address, { push = true, whole = false } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  if (!whole) answer().setAttribute("aria-busy", "true");
  const headers = { Accept: "text/html", "Nextarm-Sheet": small.matches ? "narrow" : "wide", ...(whole && { "Nextarm-Whole": "yes" }) };
  const words = "Still computing." + (address === answered ? "" : " What stands below answers the question before.");
  const slow = setTimeout(() => { if (!whole && asking === mine) tell("waiting", "status", words); }, 700); // one that waits for its turn may be out of date
  try {
    let reply;
    while ((reply = await fetch(address, { signal: mine.signal, headers })).status === 429) await pause(2000); // busy: it is asked again
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const next = page.getElementById("answer");
    if (!next) { location.assign(address); return; }
    const open = [...answer().querySelectorAll("details[open] > summary")].map((s) => s.textContent);
    const held = answer().contains(document.activeElement) && document.activeElement.id;
    answer().replaceWith(document.adoptNode(next));
    answered = address;
    ask(page);
    const runs = page.getElementById("runs");
    if (runs) document.getElementById("runs")?.replaceWith(document.adoptNode(runs));
    for (const summary of answer().querySelectorAll("details > summary")) if (open.includes(summary.textContent)) summary.parentElement.open = true;
    document.title = page.title;
    if (push && address !== location.pathname + location.search) history.replaceState(null, "", address);
    back();
    answer().dispatchEvent(new CustomEvent("nextarm:content", { bubbles: true }));
    dress(answer());
    if (held) document.getElementById(held)?.focus({ preventScroll: true });
  } catch (problem) {
    if (problem.name === "AbortError") return;
    answer().setAttribute("aria-busy", "false");
    tell("caution", "alert", "The server does not answer. Is it still running? Your page and its address are kept; reload when it is back.");
  } finally {
    clearTimeout(slow);
  }
}

// Another view may ask for other things: then its forms take the place of those shown, and who typed stays where they were.
// (another set of cohorts: other boxes to tick), and what stands below its fields is that of the new question.
const asks = (root) => [...new Set([...root.querySelectorAll(".forms form[data-live] [name]")].map((field) => field.name + (field.type === "checkbox" ? "=" + field.value : "")))].sort().join();

function ask(page) {
  const forms = document.querySelector(".forms"), next = page.querySelector(".forms");
  if (!forms || !next || forms.closest("#answer") || asks(page) === asks(document)) {
    for (const help of next?.querySelectorAll("form[data-live] .help[id]") ?? []) forms?.querySelector("#" + CSS.escape(help.id))?.replaceChildren(help.textContent);
    return;
  }
  const held = forms.contains(document.activeElement) && document.activeElement.name;
  forms.replaceWith(document.adoptNode(next));
  dress(next);
  listen(next);
  if (held) next.querySelector(`[name="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

// What is said about an answer that has not come stands above the one before it, and goes with it.
function tell(kind, role, words) {
  answer().querySelector(".told")?.remove();
  const said = document.createElement("p");
  said.className = `note told ${kind}`;
  said.setAttribute("role", role);
  said.textContent = words;
  answer().prepend(said);
}

// This tab keeps where each step of a study was left, and the rail leads back there; the step that is open leads to its beginning.
function back() {
  try {
    const here = location.pathname + location.search, refused = document.querySelector("#answer .problems, .page.alone");
    for (const link of document.querySelectorAll(".rail ol a")) {
      const start = link.dataset.start ??= link.getAttribute("href"), name = "nextarm " + start;
      const mine = start !== "/" && (location.pathname === start || location.pathname.startsWith(start + "/"));
      if (mine && here === start) sessionStorage.removeItem(name);
      else if (mine && !refused) sessionStorage.setItem(name, here);
      const left = mine ? null : sessionStorage.getItem(name);
      link.setAttribute("href", left ?? start);
      link.querySelector(".left")?.remove();
      if (!left) continue;
      const words = document.createElement("span");
      words.className = "state left";
      words.textContent = "as you left it";
      link.append(words);
    }
    if (document.querySelector(".page.alone")) for (const name of Object.keys(sessionStorage)) if (sessionStorage[name] === here) sessionStorage.removeItem(name);
  } catch { /* a browser that keeps nothing: each address still holds its state */ }
}

function addressOf(form) {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value !== "") values.append(name, value);
  const query = values.toString();
  return form.getAttribute("action") + (query ? "?" + query : "");
}

// A long list is narrowed by words; what is chosen stays in it. Enter or the down arrow leads to the first that fits.
function narrow(input) {
  const list = document.getElementById(input.dataset.list), said = input.nextElementSibling, menu = list.tagName === "SELECT";
  const all = [...list.children], plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const fits = () => { const words = plain(input.value).split(/\s+/).filter(Boolean); return all.filter((e) => words.every((w) => plain(e.textContent).includes(w))); };
  input.hidden = false;
  input.addEventListener("input", () => {
    const found = fits(), value = list.value, kept = all.filter((e) => found.includes(e) || (menu ? e.value === value : e.querySelector("input").checked));
    if (menu) { list.replaceChildren(...kept); list.value = value; } else for (const e of all) e.hidden = !kept.includes(e);
    said.textContent = !input.value.trim() ? "" : `${found.length || "None"} of ${all.length} fit${found.length === 1 ? "s" : ""}${found.length ? "" : "; what is chosen stays"}.`;
  });
  input.addEventListener("change", (event) => event.stopPropagation());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && input.value) { event.preventDefault(); input.value = ""; input.dispatchEvent(new Event("input")); }
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const first = fits()[0];
    if (menu) list.focus(); else first?.querySelector("input").focus();
  });
}

function dress(root) {
  for (const input of root.querySelectorAll("input.narrow[hidden]")) narrow(input);
  for (const button of root.querySelectorAll("button.copy[hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code").textContent;
      try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { select(button); button.textContent = "Selected: press Ctrl+C"; }
      setTimeout(() => { button.textContent = "Copy"; }, 2500);
    });
  }
  for (const input of root.querySelectorAll("input.from-file[hidden]")) {
    input.hidden = false;
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (!file) return;
      const area = document.getElementById(input.dataset.into);
      if (file.size > 2e6) { area.value = ""; area.placeholder = "This file is larger than 2 MB."; return; }
      area.value = await file.text();
      area.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  if ("rough" in (answer()?.dataset ?? {})) show(location.pathname + location.search, { push: false, whole: true }); // a first answer
  const run = root.querySelector(".run[data-state=running],.run[data-state=waiting]");
  if (run) follow(run);
}

function select(button) {
  const range = document.createRange();
  button.parentElement.querySelector("details")?.setAttribute("open", "");
  range.selectNodeContents(button.parentElement.querySelector("code"));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function follow(run) {
  for (let wait = run.dataset.revision === "0" ? 60 : 250; ; wait = Math.min(700, wait * 1.3)) {  // the first answer comes within a second
    await pause(wait);
    if (!run.isConnected) return;
    if (answer().getAttribute("aria-busy") === "true") continue; // what was asked by hand comes first
    let facts;
    try {
      const reply = await fetch(run.dataset.run);
      if (!reply.ok) { await show(location.pathname + location.search, { push: false }); continue; } // a server that was started anew
      facts = await reply.json();
    } catch {
      run.querySelector(".run-state").textContent = "the server does not answer";
      continue;
    }
    run.querySelector(".run-state").textContent = facts.state;
    if (facts.total) run.querySelector(".run-count").textContent = `${facts.done.toLocaleString("en")} of ${facts.total.toLocaleString("en")}`;
    const bar = run.querySelector("progress");
    if (bar && facts.total) { bar.max = facts.total; bar.value = facts.done; }
    const news = String(facts.revision) !== run.dataset.revision || facts.state !== run.dataset.state;
    if (news) await show(location.pathname + location.search, { push: false }); // where that failed, the old answer is followed on
  }
}

let later = 0;
function listen(root) {
  for (const form of root.querySelectorAll("form[data-live]")) {
    const soon = (wait) => { clearTimeout(later); later = setTimeout(() => show(addressOf(form)), wait); };
    form.addEventListener("change", () => soon(30));
    form.addEventListener("input", (event) => {
      const out = event.target.parentElement.querySelector("output");
      if (out) out.textContent = event.target.value;
      if (event.target.type === "range") soon(140);
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(later); show(addressOf(form)); });
  }
}
listen(document);
dress(document);
back();
addEventListener("pageshow", back);
// what is wrong stands below long forms: bring it into view
const wrong = document.querySelector("[aria-invalid=true]");
(wrong ?? document.querySelector("#answer .problems"))?.scrollIntoView({ block: "center" });
wrong?.focus({ preventScroll: true });
if (wrong?.dataset.line) { // a long text that is wrong: the line itself is chosen, and in view
  const lines = wrong.value.split("\n"), line = Number(wrong.dataset.line) - 1, start = lines.slice(0, line).join("\n").length + (line ? 1 : 0);
  wrong.setSelectionRange(start, start + (lines[line] ?? "").length);
  wrong.scrollTop = Math.max(0, line - 3) * parseFloat(getComputedStyle(wrong).lineHeight);
}
// a place on the page may lie in a fold
function unfold() {
  const place = document.getElementById(location.hash.slice(1));
  for (let fold = place?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  if (location.hash) place?.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();
