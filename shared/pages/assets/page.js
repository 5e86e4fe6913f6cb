// Copy buttons: what they copy is on the page to select as well. Without this script they stay hidden.
document.documentElement.classList.add("scripted");
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
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
});
