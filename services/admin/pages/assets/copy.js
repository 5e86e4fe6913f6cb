// Copy buttons: the one thing that needs a script. Without it they stay hidden and the text is there to select.
document.documentElement.classList.add("scripted");
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.querySelector("span").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.querySelector("span").textContent = "Selected";
  }
  setTimeout(() => { button.querySelector("span").textContent = "Copy"; }, 2000);
});
