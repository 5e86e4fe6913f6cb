// Look again every two seconds, for a quarter of an hour, and put what has changed in its place.
// Without this script the page has a link that does the same.
const PERIOD = 2000;
const MOST = 450;
let looks = 0;

function tell(skew) {
  const notice = document.getElementById("clock");
  if (!notice) return;
  const seconds = Math.round(Math.abs(skew) / 1000);
  notice.hidden = seconds < 60;
  notice.querySelector("[data-skew]").textContent = seconds < 5400 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}

async function look() {
  const shown = document.querySelector("[data-watch]");
  if (!shown || ++looks > MOST) return;
  try {
    if (!document.hidden && !shown.contains(document.activeElement)) {
      const address = new URL(location.href);
      address.searchParams.delete("done");
      const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
      const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-watch]");
      if (found) {
        tell(Date.now() - Date.parse(found.dataset.now));
        if (found.innerHTML !== shown.innerHTML) shown.replaceWith(document.adoptNode(found));
      }
    }
  } catch { /* away for a moment, or signed out: the next look will tell */ }
  setTimeout(look, PERIOD);
}

document.documentElement.classList.add("scripted");
setTimeout(look, PERIOD);
