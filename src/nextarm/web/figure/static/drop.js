// A file dropped or chosen goes to the server as it is; the page of the figure answers.
const place = document.getElementById("drop");
const said = document.getElementById("said");
const input = document.getElementById("file");

async function send(file) {
  if (!file) return;
  if (file.size > 20e6) { said.textContent = `${file.name} is larger than 20 MB. Give the page with the figure alone.`; return; }
  said.textContent = `Opening ${file.name}.`;
  place.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(`${place.dataset.to}?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
    const text = await reply.text();
    let answer = null;
    try { answer = JSON.parse(text); } catch { answer = { error: text }; }
    if (reply.ok) { location.assign(answer.address); return; }
    said.textContent = answer.error;
  } catch {
    said.textContent = "The server does not answer. Is it still running?";
  }
  place.removeAttribute("aria-busy");
  input.value = "";
}

if (place) {
  input.addEventListener("change", () => send(input.files[0]));
  for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (e) => { e.preventDefault(); place.classList.add("over"); });
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) place.classList.remove("over"); });
  document.addEventListener("drop", (e) => { e.preventDefault(); place.classList.remove("over"); send(e.dataTransfer.files[0]); });
}
