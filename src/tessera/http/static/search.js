// Puts later answers of a search into the page. Without it the page reloads itself instead.

const RETRIES = 3;
const PAUSE_MS = 400;
const answer = document.getElementById("answer");
const progress = document.getElementById("progress");
const form = document.getElementById("ask");

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

function result(root) {
  return root.querySelector("[data-complete]");
}

/** Replace the answer only when it says something new, and keep the focused link in focus. */
function show(html) {
  const next = document.createElement("template");
  next.innerHTML = html;
  const found = result(next.content);
  if (!found || found.outerHTML === result(answer).outerHTML) {
    return;
  }
  const focused = answer.contains(document.activeElement)
    ? document.activeElement.getAttribute("href")
    : null;
  answer.replaceChildren(next.content);
  if (focused) {
    [...answer.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused)?.focus();
  }
  progress.textContent = found.dataset.progress;
}

/** Ask for the fragment until every hospital has answered. The hub waits with its reply. */
async function follow() {
  let failures = 0;
  while (result(answer).dataset.complete !== "yes") {
    try {
      const reply = await fetch(answer.dataset.fragment);
      if (!reply.ok) {
        throw new Error(reply.statusText);
      }
      show(await reply.text());
      failures = 0;
      await pause(PAUSE_MS);
    } catch {
      failures += 1;
      if (failures > RETRIES) {
        const lost = document.createElement("p");
        lost.className = "notice";
        lost.textContent = answer.dataset.trouble;
        answer.prepend(lost);
        progress.textContent = answer.dataset.trouble;
        return;
      }
      await pause(PAUSE_MS * 2 ** failures);
    }
  }
}

document.getElementById("q")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.getElementById("trouble")?.focus();

if (answer && result(answer)) {
  follow();
}
