// Starts the viewer behind the list, so that a click only has to show the study. What the pointer
// rests on, or the keyboard has come to, is opened ahead. Without this script, and with a modified
// click, the links open the viewer as any page.
(() => {
  const REST_MS = 100;
  const WAITING = "/viewer";
  const frame = document.createElement("iframe");
  frame.className = "viewer-frame";
  frame.title = document.querySelector("main").dataset.viewer;
  frame.src = WAITING;
  frame.inert = true;
  const around = [...document.body.children];
  const title = document.title;

  /** The address of the study that a link opens, or "". */
  const studyOf = (link) => (link && link.pathname === WAITING && link.search ? link.pathname + link.search : "");
  // The viewer takes addresses as soon as it has started; see viewer-config.js.
  const open = (to) => {
    if (frame.wanted === to) return;
    frame.wanted = to;
    frame.contentWindow?.tesseraViewer?.open(to);
  };
  const turn = (isShown) => {
    document.title = isShown ? frame.title : title;
    document.documentElement.classList.toggle("viewer-shown", isShown);
    for (const one of around) one.inert = isShown;
    frame.inert = !isShown;
    if (isShown) frame.focus();
  };
  const follow = () => {
    const to = studyOf(window.location);
    open(to || WAITING);
    turn(to !== "");
  };

  let resting = 0;
  const comes = (event) => {
    const to = studyOf(event.target.closest("a[href]"));
    window.clearTimeout(resting);
    if (to) resting = window.setTimeout(open, REST_MS, to);
  };
  document.addEventListener("pointerover", comes);
  document.addEventListener("focusin", comes);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!isPlain || !frame.isConnected || !studyOf(link)) return;
    event.preventDefault();
    window.clearTimeout(resting);
    history.pushState(null, "", link.href);
    follow();
  });
  window.addEventListener("popstate", follow);
  window.addEventListener("load", () => window.setTimeout(() => document.body.append(frame), 50), { once: true });
})();
