// What pages do better with script than without: nothing here is the only way to anything.
document.documentElement.classList.add("scripted");

// Copy buttons: what they copy is on the page to select as well.
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const said = button.querySelector("span");
  const before = said.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    said.textContent = button.dataset.done;
  } catch {
    getSelection().selectAllChildren(source);
    said.textContent = button.dataset.selected;
  }
  button.classList.add("copied");
  setTimeout(() => { said.textContent = before; button.classList.remove("copied"); }, 2000);
}

// A password can be looked at while it is typed; it is sent, and remembered, as one.
function reveal(button, shown) {
  document.getElementById(button.dataset.reveal).type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", shown);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy], [data-reveal]");
  if (button?.dataset.copy) copy(button);
  else if (button) reveal(button, button.getAttribute("aria-pressed") !== "true");
});
document.addEventListener("submit", () => document.querySelectorAll("[data-reveal]").forEach((each) => reveal(each, false)));

// Of a row of links that is wider than the screen, the present one is in sight.
document.querySelectorAll("nav [aria-current]").forEach((link) => {
  const row = link.parentElement;
  row.scrollLeft += link.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - link.offsetWidth) / 2;
});
