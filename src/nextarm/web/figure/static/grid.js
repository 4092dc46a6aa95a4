import { right, wrong } from "./entry.js";

// The numbers at risk as a grid of cells: typed over, or pasted as a block from a spreadsheet.
const whole = (text) => {
  const plain = text.replace(/[\s, '\u00a0\u202f]/g, "");
  return plain === "" ? null : /^\d{1,8}$/.test(plain) ? Number(plain) : undefined;
};
const number = (text) => {
  const plain = text.trim().replace(",", ".");
  return plain === "" ? null : /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : undefined;
};

export class Grid {
  constructor(app, act) {
    this.app = app;
    this.act = act;
    this.table = document.getElementById("risk");
    this.said = document.getElementById("pasted");
    this.refused = []; // entries that are no numbers: they stay in their cells, told there, until they are mended
    this.table.addEventListener("change", (e) => this.typed(e.target));
    this.table.addEventListener("paste", (e) => this.paste(e));
    this.table.addEventListener("keydown", (e) => this.walk(e));
    document.getElementById("add-time").addEventListener("click", () => this.addTime());
  }

  // Times and one row a curve, all of one length.
  rows(changes = this.app.changes) {
    const times = [...(changes.at_risk_times ?? [])];
    const cells = (changes.curves ?? []).map((_, k) => times.map((_, j) => changes.at_risk?.[k]?.[j] ?? null));
    return [times, ...cells];
  }

  keep(what, rows) {
    this.act(what, (c) => { c.at_risk_times = rows[0]; c.at_risk = rows.slice(1); });
  }

  show() {
    const rows = this.rows();
    const key = JSON.stringify([rows, this.app.changes.curves?.map((c) => c.arm)]);
    if (key === this.key) return;
    this.key = key;
    const here = document.activeElement?.closest?.("#risk input")?.dataset;
    const names = ["Time", ...(this.app.changes.curves ?? []).map((c) => c.arm)];
    this.table.tBodies[0].replaceChildren(...rows.map((row, i) => {
      const tr = document.createElement("tr");
      const th = document.createElement("th");
      th.scope = "row";
      th.textContent = names[i];
      tr.append(th, ...row.map((value, j) => {
        const td = document.createElement("td");
        const input = document.createElement("input");
        Object.assign(input, { type: "text", inputMode: i ? "numeric" : "decimal", value: value ?? "", autocomplete: "off" });
        input.dataset.i = i;
        input.dataset.j = j;
        input.setAttribute("aria-label", i ? `${names[i]} at ${rows[0][j] ?? "no time"}` : `Time of column ${j + 1}`);
        td.append(input);
        return td;
      }));
      return tr;
    }));
    this.refused = this.refused.filter(({ i, j, text, was }) => {
      const input = this.cell(i, j);
      if (!input || (rows[i][j] ?? null) !== was) return false;
      input.value = text;
      wrong(input, this.words(i, text));
      return true;
    });
    if (here) this.cell(here.i, here.j)?.focus();
  }

  cell(i, j) { return this.table.querySelector(`input[data-i="${i}"][data-j="${j}"]`); }

  words(i, text) { return i ? `"${text}" is not a whole number.` : `"${text}" is not a time.`; }

  typed(input) {
    const i = Number(input.dataset.i), j = Number(input.dataset.j);
    const value = (i ? whole : number)(input.value);
    const rows = this.rows();
    this.refused = this.refused.filter((r) => r.i !== i || r.j !== j);
    this.said.textContent = "";
    if (value === undefined) {
      this.refused.push({ i, j, text: input.value, was: rows[i][j] ?? null });
      wrong(input, this.words(i, input.value));
      return;
    }
    right(input);
    rows[i][j] = value;
    this.keep("changed the numbers at risk", rows);
  }

  paste(event) {
    const input = event.target.closest("input");
    const text = event.clipboardData.getData("text/plain");
    if (!input || !/[\t\n]/.test(text.trim())) return;
    event.preventDefault();
    const block = text.replace(/\r/g, "").replace(/\n+$/, "").split("\n").map((line) => line.split("\t"));
    const rows = this.rows();
    const i0 = Number(input.dataset.i), j0 = Number(input.dataset.j);
    let wrong = 0, beyond = 0, taken = 0;
    block.forEach((line, a) => line.forEach((cell, b) => {
      const i = i0 + a, j = j0 + b;
      if (i >= rows.length || j >= 200) { beyond += cell.trim() !== ""; return; }
      const value = (i ? whole : number)(cell);
      if (value === undefined) { wrong += 1; return; }
      for (const row of rows) while (row.length <= j) row.push(null);
      rows[i][j] = value;
      taken += 1;
    }));
    this.said.textContent = `${taken} cells pasted${wrong ? `; ${wrong} are not numbers and were left as they are` : ""}${beyond ? `; ${beyond} lie beyond the table` : ""}.`;
    if (taken) this.keep("pasted numbers at risk", rows);
  }

  walk(event) {
    const input = event.target.closest("input");
    const way = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
    if (!input || !way) return;
    const next = this.cell(Number(input.dataset.i) + way, input.dataset.j);
    if (next) { event.preventDefault(); next.focus(); next.select(); }
  }

  addTime() {
    const rows = this.rows();
    for (const row of rows) row.push(null);
    this.keep("added a time", rows);
    this.cell(0, rows[0].length - 1)?.focus();
  }
}
