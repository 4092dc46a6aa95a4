(function () {
  "use strict";
  var root = document.documentElement;
  var KEY = "nextarm-theme";

  function remembered() { try { return localStorage.getItem(KEY); } catch (e) { return null; } }
  function remember(theme) { try { localStorage.setItem(KEY, theme); } catch (e) { /* private window: not kept */ } }
  var kept = remembered();
  if (!root.dataset.theme && (kept === "dark" || kept === "light")) root.dataset.theme = kept;
  root.classList.add("js");

  document.addEventListener("DOMContentLoaded", function () {
    themeButton();
    trails();
    document.querySelectorAll("table[data-sortable]").forEach(sortable);
    document.querySelectorAll(".player").forEach(player);
    contents();
    document.addEventListener("nextarm:content", function (event) {
      event.target.querySelectorAll("table[data-sortable]").forEach(sortable);
      event.target.querySelectorAll(".player").forEach(player);
      event.target.querySelectorAll("a.n").forEach(function (a) { a.setAttribute("aria-haspopup", "dialog"); });
    });
    window.addEventListener("beforeprint", function () {
      if (document.querySelector("nav.rail")) return; // a screen is printed as it stands, a report with all that is folded
      document.querySelectorAll("details:not([open]):not(.data)").forEach(function (d) { d.open = true; d.dataset.forPrint = ""; });
    });
    window.addEventListener("afterprint", function () {
      document.querySelectorAll("details[data-for-print]").forEach(function (d) { d.open = false; delete d.dataset.forPrint; });
    });
  });

  function themeButton() {
    var button = document.querySelector("button.theme");
    var dark = window.matchMedia("(prefers-color-scheme: dark)");
    function now() { return root.dataset.theme || (dark.matches ? "dark" : "light"); }
    function label() { button.textContent = now() === "dark" ? "Light theme" : "Dark theme"; }
    button.hidden = false;
    label();
    dark.addEventListener("change", label);
    button.addEventListener("click", function () {
      root.dataset.theme = now() === "dark" ? "light" : "dark";
      remember(root.dataset.theme);
      label();
    });
  }

  function trails() {
    var dialog = document.querySelector("dialog.drawer");
    if (!dialog || !dialog.showModal) return;
    var body = dialog.querySelector(".drawer-body");
    var opener = null;
    document.querySelectorAll("a.n").forEach(function (a) { a.setAttribute("aria-haspopup", "dialog"); });
    document.addEventListener("click", function (event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      var link = event.target.closest("a.n");
      if (!link) return;
      var entry = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (!entry) return;
      event.preventDefault();
      show(link, entry);
    });
    function show(link, entry) {
      var trail = document.getElementById(entry.dataset.trail);
      body.textContent = "";
      var head = document.createElement("p");
      head.className = "drawer-number";
      head.textContent = entry.querySelector(".value").textContent;
      var name = document.createElement("p");
      name.className = "drawer-name";
      name.appendChild(entry.querySelector("code").cloneNode(true));
      var copy = trail.querySelector(".trail-body").cloneNode(true);
      copy.querySelectorAll("[id]").forEach(function (e) { e.removeAttribute("id"); });
      var more = document.createElement("p");
      more.className = "drawer-more";
      var a = document.createElement("a");
      a.href = "#" + entry.id;
      a.textContent = "All numbers of this trail";
      a.addEventListener("click", function () { opener = null; dialog.close(); });
      more.appendChild(a);
      body.append(head, name, copy, more);
      opener = link;
      link.classList.add("open");
      dialog.showModal();
      dialog.scrollTop = 0;
    }
    dialog.querySelector(".close").addEventListener("click", function () { dialog.close(); });
    dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", function () {
      document.querySelectorAll("a.n.open").forEach(function (e) { e.classList.remove("open"); });
      if (opener) opener.focus({ preventScroll: true });
    });
  }

  function sortable(table) {
    table.querySelectorAll("thead th").forEach(function (th, column) {
      var title = th.querySelector(".th");
      var button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      title.replaceWith(button);
      button.appendChild(title);
      button.addEventListener("click", function () {
        var down = th.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        Array.prototype.forEach.call(table.tBodies, function (tbody) { sortBody(tbody, column, down ? -1 : 1); });
      });
    });
  }

  function sortBody(tbody, column, sign) {
    var rows = Array.prototype.filter.call(tbody.rows, function (row) { return !row.classList.contains("group"); });
    var keyed = rows.map(function (row) { return { row: row, key: row.cells[column].dataset.sort || "" }; });
    var numeric = keyed.every(function (k) { return k.key === "" || isFinite(Number(k.key)); });
    keyed.sort(function (a, b) {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
      return sign * (numeric ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key, "en", { numeric: true }));
    });
    var seen = rows.filter(function (row) { return !row.classList.contains("rest"); }).length; // of a folded table the first, in any order
    keyed.forEach(function (k, place) { k.row.classList.toggle("rest", place >= seen); tbody.appendChild(k.row); });
  }

  // One trial over calendar time: a curtain of paper lies over what has not happened yet. Where motion is not wanted there is no Play.
  var played = {};
  function player(box) {
    var facts = JSON.parse(box.dataset.play), id = box.closest("figure").id;
    var play = box.querySelector(".play"), look = box.querySelector(".look"), slider = box.querySelector("input"), out = box.querySelector("output");
    var still = window.matchMedia("(prefers-reduced-motion: reduce)");
    var looks = facts.looks.map(function (l) { return l[0]; });
    var curtains = Array.prototype.map.call(box.closest("figure").querySelectorAll("svg.drawing"), function (svg) {
      var edge = svg.closest(".narrow") ? facts.narrow : facts.wide, rect = document.createElementNS(svg.namespaceURI, "rect");
      rect.setAttribute("class", "curtain");
      rect.setAttribute("y", edge[2] - 34);
      rect.setAttribute("height", edge[3] - edge[2] + 34);
      svg.appendChild(rect);
      return { rect: rect, left: edge[0], right: edge[1] };
    });
    var before = played[id];
    var state = played[id] = { time: before ? before.time : facts.end, playing: false, held: 0 };

    function count(test, one, many) {
      var each = facts.arms.map(function (name, arm) { return facts.lines.filter(function (l) { return l[2] === arm && test(l); }).length; });
      var all = each.reduce(function (a, b) { return a + b; }, 0);
      return all + (each.length > 1 && all ? " (" + each.join(" + ") + ")" : "") + " " + (all === 1 ? one : many || one);
    }
    function show() {
      var t = state.time;
      curtains.forEach(function (c) {
        var x = c.left + (c.right - c.left) * t / facts.end;
        c.rect.setAttribute("x", x);
        c.rect.setAttribute("width", Math.max(0, c.right + 12 - x));
        c.rect.style.display = t >= facts.end ? "none" : "";
      });
      var passed = facts.looks.filter(function (l) { return l[0] <= t + 1e-6; }), last = passed[passed.length - 1];
      var over = last && passed.length === facts.looks.length; // who is followed to the end of the trial has not left it
      slider.value = t;
      slider.setAttribute("aria-valuetext", t.toFixed(2) + " years");
      out.textContent = (over ? "The trial is over: it ended at " + last[0].toFixed(2) : "At " + t.toFixed(2)) + " years: " + [
        count(function (l) { return l[0] <= t; }, "entered"),
        count(function (l) { return l[3] === 0 && l[1] <= t; }, "event", "events"),
        count(function (l) { return l[3] === 1 && l[1] <= t; }, "dropout", "dropouts"),
        count(function (l) { return l[0] <= t && (l[1] > t || (over && l[3] === 2)); }, over ? "in follow-up then" : "in follow-up")
      ].join(", ") + "." +
        (last ? (facts.planned ? " Look " + passed.length + " of " + facts.planned : " Last look") + " at " + last[0].toFixed(2) + ": " + last[1] + "." : " No look yet.");
    }
    function go(on) {
      state.playing = on;
      play.textContent = on ? "Pause" : "Play";
      out.setAttribute("aria-live", on ? "off" : "polite");
    }
    function step(from) {
      requestAnimationFrame(function (now) {
        if (!state.playing || !box.isConnected || played[id] !== state) return;
        var passed = Math.min(100, now - from), next = state.time + passed / 1000 * facts.end / 8;
        if (state.held > 0) state.held -= passed;
        else {
          var at = looks.filter(function (l) { return l > state.time + 1e-9 && l <= next; })[0];
          if (at !== undefined) { state.time = at; state.held = 1200; } else state.time = Math.min(facts.end, next);
          show();
        }
        if (state.time >= facts.end) go(false); else step(now);
      });
    }
    play.addEventListener("click", function () {
      if (state.playing) { go(false); show(); return; }
      if (state.time >= facts.end) state.time = 0;
      go(true);
      step(performance.now());
    });
    look.addEventListener("click", function () {
      go(false);
      var next = looks.filter(function (l) { return l > state.time + 1e-6; })[0];
      state.time = next === undefined ? looks[0] : next;
      show();
    });
    slider.addEventListener("input", function () { go(false); state.time = Math.min(facts.end, Number(slider.value)); show(); });
    function quiet() { play.hidden = still.matches; if (still.matches) go(false); }
    still.addEventListener("change", quiet);
    quiet();
    look.hidden = !looks.length;
    box.hidden = false;
    show();
    if (before && before.playing && !still.matches) { go(true); step(performance.now()); }
  }

  function contents() {
    var folded = document.querySelector(".toc details");
    var small = window.matchMedia("(max-width: 70rem)");
    function fold() { folded.open = !small.matches; }
    fold();
    small.addEventListener("change", fold);
    if (!("IntersectionObserver" in window)) return;
    var links = {};
    document.querySelectorAll('.toc a[href^="#"]').forEach(function (a) { links[a.hash.slice(1)] = a; });
    var seen = new Set();
    var observer = new IntersectionObserver(function (changes) {
      changes.forEach(function (c) { if (c.isIntersecting) seen.add(c.target.id); else seen.delete(c.target.id); });
      var current = null;
      Object.keys(links).forEach(function (id) {
        if (!current && seen.has(id)) current = id;
        links[id].removeAttribute("aria-current");
      });
      if (current) links[current].setAttribute("aria-current", "true");
    }, { rootMargin: "-10% 0px -70% 0px" });
    Object.keys(links).forEach(function (id) { var e = document.getElementById(id); if (e) observer.observe(e); });
  }
})();
