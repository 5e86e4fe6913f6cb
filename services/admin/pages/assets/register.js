// The app ID: suggested from the name, and looked up while it is typed. The callback: the framework's own.
// Without this script the same is said when the form is sent.
const name_ = document.getElementById("name");
const id = document.getElementById("app_id");
const box = id.closest("[data-checks]");
const said = box.querySelector("[data-answer]");
const uris = document.getElementById("redirect_uris");
const callbacks = JSON.parse(document.querySelector("[data-callbacks]").dataset.callbacks);
let own = id.value !== "";
let waiting;
let asked = 0;

async function check() {
  const mine = ++asked;
  said.textContent = "";
  said.className = "hint";
  if (!id.value) return;
  try {
    const answer = await fetch(`${box.dataset.checks}?app_id=${encodeURIComponent(id.value)}`, { redirect: "error" });
    const { is_free, words } = await answer.json();
    if (mine !== asked) return;
    said.textContent = words;
    said.className = is_free ? "hint good" : "error-text";
  } catch { /* said when the form is sent */ }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(check, 250);
}

name_.addEventListener("input", () => {
  if (own) return;
  id.value = name_.value.normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 40).replace(/-+$/, "");
  soon();
});
id.addEventListener("input", () => { own = id.value !== ""; soon(); });
document.addEventListener("change", (event) => {
  const callback = event.target.name === "framework" && callbacks[event.target.value];
  if (callback && Object.values(callbacks).concat("").includes(uris.value.trim())) uris.value = callback;
});
if (own) check();
