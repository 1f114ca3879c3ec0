// Copies a text that is on the page. Without it there is no button, and the text can be marked.

/** Put the text of an element into the clipboard; over plain HTTP browsers have only the old way. */
async function copy(element) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(element.textContent.trim());
    return;
  }
  const marked = window.getSelection();
  marked.selectAllChildren(element);
  const isDone = document.execCommand("copy");
  marked.removeAllRanges();
  if (!isDone) {
    throw new Error("not copied");
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const said = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await copy(document.getElementById(button.dataset.copy));
      said.textContent = button.dataset.done;
    } catch {
      said.textContent = button.dataset.failed;
    }
  });
}
