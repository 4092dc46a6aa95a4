// The figure with what was read over it: handles that mouse, touch and keys move, a loupe, an eraser, a colour picker.
const NS = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 4"];
const PRINTED = { solid: "", dashed: "7 3", dotted: "2 3", "dash-dotted": "9 3 2 3" };
const round = (v) => Math.round(v * 1000) / 1000 || 0; // no -0

// A number with so many digits; what rounds to nothing has no sign.
export const fixed = (v, digits) => { const text = v.toFixed(digits); return Number(text) === 0 ? text.replace("-", "") : text; };

export class Stage {
  // app: { changes, view, layer, tool }; act(what, change) keeps one action.
  constructor(app, act) {
    this.app = app;
    this.act = act;
    this.box = document.getElementById("stage");
    this.svg = document.getElementById("over");
    this.image = document.getElementById("picture");
    this.loupe = document.getElementById("loupe");
    this.where = document.getElementById("where");
    this.handle = 0;
    this.moved = null;
    this.cross = null;
    this.picked = this.image;
    this.listen();
  }

  show() {
    const { picture } = this.app.view;
    if (this.image.getAttribute("src") !== picture.href) this.image.src = picture.href;
    this.image.style.aspectRatio = `${picture.width} / ${picture.height}`;
    this.svg.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.unit = picture.width / Math.max(1, this.box.clientWidth);
    this.draw();
  }

  // The curve of the chosen layer; "t2" is the layer of the marks of curve 2.
  index() { return Number(/^t?(\d+)$/.exec(this.app.layer)?.[1] ?? NaN); }
  curve() { return this.app.changes.curves?.[this.index()] ?? null; }
  marks() { return this.app.layer.startsWith("t"); }
  boxes() { return this.app.layer === "region" || this.app.layer === "exclude"; }

  // How curve k is drawn: the colour nearest to its printed one, the printed dash where dashes differ, a place for its name.
  look_of(k) {
    const { adjusted, reading } = this.app.view;
    const curves = this.app.changes.curves ?? [];
    const read = reading?.look[curves[k].source] ?? { colour: "#000000", dash: "solid", printed: "" };
    const used = curves.slice(0, k).filter((c) => c.on).length;
    const differ = new Set((reading?.look ?? []).map((l) => l.dash)).size > 1;
    return { ...read, dashes: differ ? PRINTED[read.dash] ?? "" : DASHES[k % 6], place: (curves[k].on && adjusted ? adjusted.look[used]?.name : null) ?? read.name };
  }

  frame() {
    const { picture, reading } = this.app.view;
    return reading ? reading.box : [picture.width * 0.12, picture.height * 0.08, picture.width * 0.95, picture.height * 0.85];
  }

  // The handles of the chosen layer, as positions.
  handles() {
    const { changes, layer } = this.app;
    const [left, , , bottom] = this.frame();
    if (layer === "x") return (changes.x_axis ?? []).map((p) => ({ x: p.pixel, y: bottom, point: p }));
    if (layer === "y") return (changes.y_axis ?? []).map((p) => ({ x: left, y: p.pixel, point: p }));
    if (this.boxes()) return rectsOf(changes, layer).flatMap(([a, b, c, d], k) => [{ x: a, y: b, box: k }, { x: c, y: d, box: k, far: true }]);
    const curve = this.curve();
    if (!curve?.corners) return [];
    if (this.marks()) return (curve.ticks ?? []).map((x) => ({ x, y: levelAt(curve, x), tick: true }));
    const found = curve.corners.map(([x, y]) => ({ x, y }));
    const last = curve.corners[curve.corners.length - 1];
    const end = Math.max(curve.end ?? last[0], last[0]), room = 16 * this.unit;
    const aside = last[0] + room < this.app.view.picture.width ? Math.max(room - (end - last[0]), 0) : -room;
    found.push({ x: end, y: last[1], end: true, aside }); // drawn beside the last corner, which stays in reach
    return found;
  }

  name(k, all) {
    const { layer } = this.app;
    const h = all[k];
    const shown = h.point ? (h.point.value == null ? "no value yet" : `printed ${this.printed(h.point.value)}`) : this.values(h);
    if (h.box !== undefined) return `${layer === "region" ? "Panel" : `Place without a curve, ${h.box + 1} of ${all.length / 2}`}, ${h.far ? "lower right" : "upper left"} corner; at ${round(h.x)}, ${round(h.y)} px.`;
    const title = layer === "x" ? "Time axis, point" : layer === "y" ? "Survival axis, point" : `${this.curve().arm},`;
    const which = h.end ? "end of the line" : h.point ? `${k + 1} of ${all.length}` : h.tick ? `censoring mark ${k + 1} of ${all.length}` : `corner ${k + 1} of ${all.length - 1}`;
    return `${title} ${which}: ${shown}; at ${round(h.x)}, ${round(h.y)} px.`;
  }

  percent() { return this.app.changes.percent && this.app.layer === "y"; }
  printed(value) { return this.percent() ? round(value * 100) : round(value); }

  values(h) {
    const a = this.app.view.adjusted;
    if (!a) return "";
    const s = a.y_axis.intercept + a.y_axis.slope * h.y;
    return `time ${fixed(a.x_axis.intercept + a.x_axis.slope * h.x, 2)}, S ${fixed(a.upward ? 1 - s : s, 3)}`;
  }

  draw() {
    const { changes, view, layer, tool } = this.app;
    const u = this.unit;
    const parts = [];
    const add = (tag, attributes, into = parts) => {
      const node = document.createElementNS(NS, tag);
      for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
      into.push(node);
      return node;
    };
    (changes.curves ?? []).forEach((curve, k) => {
      if (!curve.on || !curve.corners) return;
      const chosen = k === this.index(), mine = this.look_of(k), wide = (chosen ? 3 : 2.4) * u;
      add("path", { d: pathOf(curve), fill: "none", stroke: "#fff", "stroke-width": wide + 1.6 * u });
      const look = { fill: "none", stroke: mine.colour, "stroke-width": wide, "stroke-dasharray": mine.dashes.split(" ").filter(Boolean).map((v) => v * u).join(" ") };
      add("path", { d: pathOf(curve), ...look, "data-curve": k });
      const d = (curve.ticks ?? []).map((x) => `M${x} ${levelAt(curve, x) - 4 * u}v${8 * u}`).join("");
      if (d) add("path", { d, stroke: mine.colour, "stroke-width": 1.2 * u, fill: "none" });
    });
    (changes.curves ?? []).forEach((curve, k) => {
      const mine = this.look_of(k);
      if (!curve.on || !mine.place) return;
      const [, top, right, bottom] = mine.place;
      const text = add("text", { x: right, y: (top + bottom) / 2, fill: mine.colour, stroke: "#fff", "stroke-width": 3 * u, "text-anchor": "end", "dominant-baseline": "central", "font-size": 12 * u, class: "arm-name", "aria-hidden": "true" });
      text.textContent = curve.arm;
    });
    if (view.rebuilt?.current) for (const arm of view.rebuilt.arms) {
      const d = arm.line.map(([x, y], i) => `${i ? "L" : "M"}${x} ${y}`).join("");
      add("path", { d, fill: "none", stroke: "#ffd23f", "stroke-width": 1.2 * u, "stroke-dasharray": `${5 * u} ${4 * u}`, class: "rebuilt" });
    }
    const [left, , , bottom] = this.frame();
    for (const [axis, points] of [["x", changes.x_axis ?? []], ["y", changes.y_axis ?? []]]) for (const p of points) {
      const [x, y] = axis === "x" ? [p.pixel, bottom] : [left, p.pixel];
      add("path", { d: `M${x - 6 * u} ${y}h${12 * u}M${x} ${y - 6 * u}v${12 * u}`, stroke: "#a34700", "stroke-width": 1.4 * u });
    }
    for (const [kind, rects] of [["region", rectsOf(changes, "region")], ["exclude", rectsOf(changes, "exclude")]]) for (const [a, b, c, d] of rects) {
      const look = kind === "region" ? { fill: "none" } : { fill: "#a34700", "fill-opacity": 0.14 };
      add("rect", { x: a, y: b, width: c - a, height: d - b, ...look, stroke: "#a34700", "stroke-width": 1.4 * u, "stroke-dasharray": `${6 * u} ${3 * u}`, class: kind });
    }
    for (const pick of changes.picks ?? []) for (const [x, y] of pick.points ?? []) {
      add("circle", { cx: x, cy: y, r: 6 * u, fill: pick.colour ?? "none", stroke: "#000", "stroke-width": 1.5 * u });
    }
    const all = this.handles();
    this.handle = Math.min(Math.max(this.handle, 0), Math.max(all.length - 1, 0));
    if (tool === "move" && (layer === "x" || layer === "y") && all.length) {
      const h = all[this.handle];
      add("path", { d: layer === "x" ? `M${h.x} 0V${view.picture.height}` : `M0 ${h.y}H${view.picture.width}`, stroke: "#a34700", "stroke-width": 0.8 * u, "stroke-dasharray": `${2 * u} ${4 * u}` });
    }
    if (tool !== "pick") all.forEach((h, k) => {
      const mine = k === this.handle;
      if (h.aside) add("path", { d: `M${h.x} ${h.y}h${h.aside}`, stroke: "#1d2126", "stroke-width": 1.3 * u, "stroke-dasharray": `${2 * u} ${2 * u}` });
      add(h.end ? "rect" : "circle", h.end ? { x: h.x + h.aside - 4 * u, y: h.y - 4 * u, width: 8 * u, height: 8 * u, fill: mine ? "#ffd23f" : "#fff", stroke: "#1d2126", "stroke-width": 1.3 * u, class: "handle" }
        : { cx: h.x, cy: h.y, r: (mine ? 6 : 3.6) * u, fill: mine ? "#ffd23f" : "#fff", stroke: "#1d2126", "stroke-width": 1.3 * u, class: "handle" });
    });
    if (tool === "pick" && this.cross) add("path", { d: `M${this.cross[0] - 9 * u} ${this.cross[1]}h${18 * u}M${this.cross[0]} ${this.cross[1] - 9 * u}v${18 * u}`, stroke: "#a34700", "stroke-width": 1.6 * u });
    if (this.rubber) { const [x, y, w, h] = this.rubber; add("rect", { x, y, width: w, height: h, fill: "#ffd23f", "fill-opacity": 0.3, stroke: "#1d2126", "stroke-width": u }); }
    this.svg.replaceChildren(...parts);
    this.svg.classList.toggle("grab", tool !== "move");
    this.tell(all);
  }

  tell(all = this.handles()) {
    const { tool, layer } = this.app;
    const field = document.getElementById("value-field");
    const h = all[this.handle];
    field.hidden = !(h?.point && tool === "move");
    const input = document.getElementById("value");
    if (h?.point && document.activeElement !== input) input.value = h.point.value == null ? "" : this.printed(h.point.value);
    let words = "";
    if (tool === "pick") words = this.cross ? `Cross at ${round(this.cross[0])}, ${round(this.cross[1])} px. Click, or press Enter, on the line of a curve.` : "Click on the line of a curve, or use the arrows.";
    else if (tool === "erase") words = this.curve()?.corners ? `Draw a box over the corners and marks of ${this.curve().arm} to erase.` : "Choose a curve first.";
    else if (h) words = this.name(this.handle, all);
    else if (this.boxes()) words = `Draw a box ${layer === "region" ? "around the panel" : "over a place that holds no curve"}, or press Add. It counts when the figure is read again.`;
    else if (this.marks()) words = `${this.curve()?.arm ?? "This curve"} has no censoring marks. Add puts one in its middle.`;
    else words = layer === "x" || layer === "y" ? "No points yet. Add two." : "";
    if (this.where.textContent !== words) this.where.textContent = words;
  }

  // Put a handle at x, y in a copy of the changes.
  put(changes, k, x, y) {
    const { layer } = this.app;
    const { width, height } = this.app.view.picture;
    x = Math.min(Math.max(x, 0), width); y = Math.min(Math.max(y, 0), height);
    if (layer === "x") changes.x_axis[k].pixel = round(x);
    else if (layer === "y") changes.y_axis[k].pixel = round(y);
    else if (this.boxes()) {
      const rects = rectsOf(changes, layer), box = rects[k >> 1], least = 2;
      if (k % 2) { box[2] = round(Math.max(x, box[0] + least)); box[3] = round(Math.max(y, box[1] + least)); }
      else { box[0] = round(Math.min(x, box[2] - least)); box[1] = round(Math.min(y, box[3] - least)); }
      keepRects(changes, layer, rects);
    } else if (this.marks()) changes.curves[this.index()].ticks[k] = round(x);
    else {
      const curve = changes.curves[this.index()];
      if (k === curve.corners.length) curve.end = round(x);
      else curve.corners[k] = [round(x), round(y)];
    }
  }

  word() { if (this.boxes()) return this.app.layer === "region" ? "the panel" : "a place without a curve"; return this.app.layer === "x" ? "time axis" : this.app.layer === "y" ? "survival axis" : this.curve()?.arm ?? "curve"; }

  nudge(dx, dy) {
    if (this.app.tool === "pick") { this.aim(dx, dy); return; }
    const h = this.handles()[this.handle];
    if (!h) return;
    this.act(`moved a point of ${this.word()}`, (c) => this.put(c, this.handle, h.x + dx, h.y + dy), { burst: true });
    this.look(this.handles()[this.handle]);
  }

  aim(dx, dy) {
    const { width, height } = this.app.view.picture;
    const [x, y] = this.cross ?? [width / 2, height / 2];
    this.cross = [Math.min(Math.max(x + dx, 0), width), Math.min(Math.max(y + dy, 0), height)];
    this.draw();
    this.look({ x: this.cross[0], y: this.cross[1] });
  }

  choose(step) {
    const all = this.handles();
    if (!all.length) return;
    this.handle = Math.min(Math.max(this.handle + step, 0), all.length - 1);
    this.draw();
    this.look(all[this.handle]);
  }

  add() {
    const { layer } = this.app;
    const k = this.handle;
    const { width, height } = this.app.view.picture;
    if (layer === "x" || layer === "y") {
      const name = layer === "x" ? "x_axis" : "y_axis";
      this.act(`added a point to the ${this.word()}`, (c) => { (c[name] ??= []).push({ pixel: round((layer === "x" ? width : height) / 2), value: null }); });
      this.handle = this.app.changes[name].length - 1;
    } else if (this.boxes()) {
      const [a, b, c, d] = this.frame();
      const rect = layer === "region" ? [a, b, c, d] : [(2 * a + c) / 3, (2 * b + d) / 3, (a + 2 * c) / 3, (b + 2 * d) / 3];
      this.mark(rect);
    } else if (this.marks() && this.curve()?.corners) {
      const all = this.handles(), curve = this.curve();
      const last = Math.max(curve.end ?? -Infinity, curve.corners[curve.corners.length - 1][0]);
      const from = all[k]?.x ?? curve.corners[0][0], to = all[k + 1]?.x ?? last;
      this.act(`added a mark to ${this.word()}`, (c) => { (c.curves[this.index()].ticks ??= []).splice(k + 1, 0, round((from + to) / 2)); });
      this.handle = all.length ? k + 1 : 0;
    } else if (this.curve()) {
      const all = this.handles();
      const at = Math.min(k, all.length - 2);
      const a = all[at], b = all[at + 1];
      this.act(`added a corner to ${this.word()}`, (c) => c.curves[this.index()].corners.splice(at + 1, 0, [round((a.x + b.x) / 2), round((a.y + b.y) / 2)]));
      this.handle = at + 1;
    }
    this.draw();
  }

  erase() {
    const { layer } = this.app;
    const k = this.handle;
    if (layer === "x" || layer === "y") this.act(`erased a point of the ${this.word()}`, (c) => c[layer === "x" ? "x_axis" : "y_axis"].splice(k, 1));
    else if (this.boxes()) {
      if (this.handles().length) this.act(`took away ${this.word()}`, (c) => keepRects(c, layer, rectsOf(c, layer).filter((_, i) => i !== k >> 1)));
    } else if (this.marks()) {
      if (this.curve()?.ticks?.length) this.act(`erased a mark of ${this.word()}`, (c) => c.curves[this.index()].ticks.splice(k, 1));
    } else {
      const curve = this.curve();
      if (!curve?.corners || curve.corners.length < 2 || k >= curve.corners.length) return;
      this.act(`erased a corner of ${this.word()}`, (c) => c.curves[this.index()].corners.splice(k, 1));
    }
    this.draw();
  }

  // A box drawn for the panel, or for a place without a curve.
  mark(rect) {
    const { layer } = this.app, { width, height } = this.app.view.picture;
    const [a, b, c, d] = [Math.max(rect[0], 0), Math.max(rect[1], 0), Math.min(rect[2], width), Math.min(rect[3], height)].map(round);
    if (c - a < 2 || d - b < 2) return;
    this.act(layer === "region" ? "marked the panel" : "marked a place without a curve", (x) => keepRects(x, layer, layer === "region" ? [[a, b, c, d]] : [...rectsOf(x, layer), [a, b, c, d]]));
    this.handle = Math.max(this.handles().length - 1, 0);
  }

  wipe([x, y, w, h]) {
    const curve = this.curve();
    if (!curve?.corners) return;
    const inside = (px, py) => px >= x && px <= x + w && py >= y && py <= y + h;
    const corners = this.marks() ? curve.corners : curve.corners.filter(([px, py], i) => i === 0 || !inside(px, py));
    const ticks = (curve.ticks ?? []).filter((t) => !inside(t, levelAt(curve, t)));
    if (corners.length === curve.corners.length && ticks.length === (curve.ticks ?? []).length) return;
    this.act(`erased a part of ${curve.arm}`, (c) => Object.assign(c.curves[this.index()], { corners, ticks }));
  }

  pick(x, y) {
    const colour = this.colourAt(x, y);
    if (!colour) { this.where.textContent = "There is only background here. Click on the line itself."; return; }
    this.act("picked a curve", (c) => (c.picks ??= []).push({ arm: null, colour, dash: null, points: [[round(x), round(y)]] }));
  }

  // The colour of the line nearest to a position: the pixel farthest from white within three pixels.
  colourAt(x, y) {
    const { width, height } = this.app.view.picture;
    const s = Math.max(1, this.image.naturalWidth / width);
    const side = Math.ceil(7 * s);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, side, side);
    pen.drawImage(this.image, side / 2 - x * s, side / 2 - y * s, width * s, height * s);
    const data = pen.getImageData(0, 0, side, side).data;
    let best = 90, found = null;
    for (let i = 0; i < data.length; i += 4) {
      const far = 765 - data[i] - data[i + 1] - data[i + 2];
      if (far > best) { best = far; found = [data[i], data[i + 1], data[i + 2]]; }
    }
    return found && "#" + found.map((v) => v.toString(16).padStart(2, "0")).join("");
  }

  look(h) {
    clearTimeout(this.away);
    if (!h || !this.image.complete || !this.image.naturalWidth) return;
    const { width, height } = this.app.view.picture;
    const pen = this.loupe.getContext("2d");
    const half = this.loupe.width / 2, zoom = 6 / this.unit;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, 2 * half, 2 * half);
    pen.translate(half - h.x * zoom, half - h.y * zoom);
    pen.scale(zoom, zoom);
    pen.drawImage(this.image, 0, 0, width, height);
    (this.app.changes.curves ?? []).forEach((c, k) => {
      if (!c.on || !c.corners) return;
      pen.strokeStyle = this.look_of(k).colour;
      pen.lineWidth = 1.5 / zoom;
      pen.stroke(new Path2D(pathOf(c)));
    });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.strokeStyle = "#a34700";
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(half, 0); pen.lineTo(half, 2 * half); pen.moveTo(0, half); pen.lineTo(2 * half, half);
    pen.stroke();
    this.loupe.classList.add("on");
    this.loupe.classList.toggle("right", h.x < width / 2);
    this.away = setTimeout(() => this.loupe.classList.remove("on"), 4000);
  }

  at(event) {
    const r = this.svg.getBoundingClientRect();
    const { width, height } = this.app.view.picture;
    return [((event.clientX - r.left) / r.width) * width, ((event.clientY - r.top) / r.height) * height];
  }

  nearest(x, y) {
    let best = 22 * this.unit, found = -1;
    this.handles().forEach((h, k) => {
      const far = Math.hypot(h.x + (h.aside ?? 0) - x, h.y - y) - (k === this.handle ? 3 * this.unit : 0);
      if (far < best) { best = far; found = k; }
    });
    return found;
  }

  listen() {
    const svg = this.svg;
    // A finger on a handle drags it; anywhere else it scrolls the page.
    svg.addEventListener("touchstart", (e) => { if (this.app.tool !== "move" || this.boxes() || this.nearest(...this.at(e.touches[0])) >= 0) e.preventDefault(); }, { passive: false });
    svg.addEventListener("pointerdown", (e) => {
      if (e.button) return;
      svg.focus({ preventScroll: true });
      const [x, y] = this.at(e);
      const { tool } = this.app;
      if (tool === "pick") { this.cross = [x, y]; this.look({ x, y }); this.pick(x, y); return; }
      if (tool === "erase") this.moved = { from: [x, y] };
      else {
        const k = this.nearest(x, y);
        if (k < 0 && !this.boxes()) return;
        if (k < 0) this.moved = { from: [x, y], mark: true };
        else this.handle = k;
        const h = this.handles()[k];
        if (h) this.moved = { k, off: [h.x - x, h.y - y], kept: structuredClone(this.app.changes), changed: false };
        if (h) this.look(h);
      }
      svg.setPointerCapture(e.pointerId);
      this.draw();
    });
    svg.addEventListener("pointermove", (e) => {
      const m = this.moved;
      if (!m) { if (this.app.tool === "pick" && e.pointerType === "mouse") { const [x, y] = this.at(e); this.look({ x, y }); } return; }
      const [x, y] = this.at(e);
      if (m.from) { this.rubber = [Math.min(x, m.from[0]), Math.min(y, m.from[1]), Math.abs(x - m.from[0]), Math.abs(y - m.from[1])]; this.draw(); return; }
      m.changed = true;
      this.put(this.app.changes, m.k, x + m.off[0], y + m.off[1]);
      this.draw();
      this.look(this.handles()[m.k]);
      this.app.tryout();
    });
    const end = (e) => {
      const m = this.moved;
      this.moved = null;
      if (!m) return;
      const box = this.rubber;
      this.rubber = null;
      if (m.from) { if (box && e.type === "pointerup") { if (m.mark) this.mark([box[0], box[1], box[0] + box[2], box[1] + box[3]]); else this.wipe(box); } }
      else if (m.changed) {
        const after = this.app.changes;
        this.app.changes = m.kept;
        if (e.type === "pointerup") this.act(`moved a point of ${this.word()}`, (c) => Object.assign(c, after));
      }
      this.draw();
    };
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
    svg.addEventListener("keydown", (e) => {
      if (e.altKey || e.metaKey) return;
      const far = e.shiftKey ? 10 : e.ctrlKey ? 0.1 : 1;
      const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[e.key];
      if (way) this.nudge(...way);
      else if (e.key === "PageDown") this.choose(1);
      else if (e.key === "PageUp") this.choose(-1);
      else if (e.key === "Home") this.choose(-1e6);
      else if (e.key === "End") this.choose(1e6);
      else if (e.key === "Insert") this.add();
      else if (e.key === "Delete" && this.app.tool === "move") this.erase();
      else if (e.key === "Enter" && this.app.tool === "pick" && this.cross) this.pick(...this.cross);
      else return;
      e.preventDefault();
    });
    svg.addEventListener("blur", () => this.loupe.classList.remove("on"));
    new ResizeObserver(() => { if (this.app.view) this.show(); }).observe(this.box);
  }
}

// The rectangles of a layer: one for the panel, any number of places without a curve; left, top, right, bottom.
const rectsOf = (changes, layer) => structuredClone(layer === "region" ? (changes.region ? [changes.region] : []) : changes.exclude ?? []);
const keepRects = (changes, layer, rects) => { if (layer === "region") changes.region = rects[0] ?? null; else changes.exclude = rects; };

export function levelAt(curve, x) {
  let y = curve.corners[0][1];
  for (const [cx, cy] of curve.corners) { if (cx > x) break; y = cy; }
  return y;
}

export function pathOf(curve) {
  const [first, ...rest] = curve.corners;
  const end = Math.max(curve.end ?? -Infinity, curve.corners[curve.corners.length - 1][0]);
  return `M${first[0]} ${first[1]}` + rest.map(([x, y]) => `H${x}V${y}`).join("") + `H${end}`;
}
