// Draw boxes to blank on a picture: press, drag, let go. Without this script they are typed.
(() => {
  const field = document.getElementById("more");
  for (const svg of document.querySelectorAll("svg.desk-picture")) {
    const scale = Number(svg.dataset.scale) || 1;
    let start = null, group = null;
    const at = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const view = svg.viewBox.baseVal;
      return { x: Math.min(Math.max(point.x, 0), view.width), y: Math.min(Math.max(point.y, 0), view.height) };
    };
    const box = (a, b) => ({ x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) });
    svg.addEventListener("pointerdown", (event) => {
      start = at(event);
      svg.setPointerCapture(event.pointerId);
      group = document.createElementNS(svg.namespaceURI, "g");
      group.setAttribute("class", "box-drawn");
      group.appendChild(document.createElementNS(svg.namespaceURI, "rect"));
      svg.appendChild(group);
      event.preventDefault();
    });
    svg.addEventListener("pointermove", (event) => {
      if (!start) return;
      for (const [name, value] of Object.entries(box(start, at(event)))) group.firstChild.setAttribute(name, value);
    });
    svg.addEventListener("pointerup", (event) => {
      if (!start) return;
      const drawn = box(start, at(event));
      start = null;
      if (drawn.width < 3 || drawn.height < 3) { group.remove(); return; }
      const whole = [Math.floor(drawn.x / scale), Math.floor(drawn.y / scale), Math.ceil(drawn.width / scale), Math.ceil(drawn.height / scale)];
      field.value = (field.value.trim() + "\n" + whole.join(",")).trim();
    });
  }
  field.addEventListener("input", () => {
    if (!field.value.trim()) for (const drawn of document.querySelectorAll(".box-drawn")) drawn.remove();
  });
})();
