// Look again every two seconds.
setInterval(async () => {
  try {
    const answer = await fetch("/");
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const shown = document.querySelector("main");
    if (found && found.innerHTML !== shown.innerHTML) shown.replaceWith(document.adoptNode(found));
  } catch { /* stopped for a moment */ }
}, 2000);
