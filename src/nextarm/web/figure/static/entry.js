// A field that holds what it cannot: marked, and told at the field itself.
export function wrong(input, words) {
  right(input);
  const said = document.createElement("span");
  said.className = "entry-problem";
  said.id = `problem-${crypto.randomUUID()}`;
  said.setAttribute("role", "alert");
  said.textContent = words;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", said.id);
  input.after(said);
}

export function right(input) {
  if (input.nextElementSibling?.className === "entry-problem") input.nextElementSibling.remove();
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
}
