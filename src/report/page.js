// What the page of a report does: tables sort by a click on a heading, and charts say the value
// nearest to the pointer. Without it everything can still be read.

for (const table of document.querySelectorAll("table")) makeSortable(table);
for (const chart of document.querySelectorAll("svg")) {
  if (chart.querySelector(".values")) sayValues(chart);
}

function makeSortable(table) {
  const body = table.querySelector("tbody");
  const headings = [...table.querySelectorAll("th")];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    const isNumber = heading.getAttribute("align") === "right";
    button.addEventListener("click", () => {
      const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", order);
      const keyed = [...body.querySelectorAll("tr")].map((row) => ({
        row,
        key: sortKey(row.querySelectorAll("td")[column].textContent.trim(), isNumber),
      }));
      // Sorting is stable, so columns can be sorted by in turn.
      keyed.sort((a, b) => compareKeys(a.key, b.key, order === "ascending" ? 1 : -1));
      body.append(...keyed.map(({ row }) => row));
    });
  });
}

/** What a cell is sorted by: its first number, or its text; null where it has none. */
function sortKey(text, isNumber) {
  if (!isNumber) return text === "" ? null : text;
  const number = Number.parseFloat(text.replace("\u2212", "-").replace(/,(?=\d{3})|^<\s*/g, ""));
  return Number.isNaN(number) ? null : number;
}

/** Cells without a value stay last in both orders. */
function compareKeys(a, b, sign) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return sign * (a < b ? -1 : Number(a > b));
}

function sayValues(chart) {
  const REACH = 40;
  const points = [...chart.querySelectorAll(".values circle")].map((circle) => {
    const title = circle.querySelector("title");
    // The browser would show the title too, and a moment later.
    title.remove();
    return {
      circle,
      text: title.textContent,
      x: Number(circle.getAttribute("cx")),
      y: Number(circle.getAttribute("cy")),
    };
  });
  let shown = null;
  const hide = () => {
    shown?.circle.classList.remove("near");
    shown = null;
    document.querySelector("#value")?.remove();
  };
  const show = (event) => {
    hide();
    const at = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(chart.getScreenCTM().inverse());
    const distance = (point) => Math.hypot(point.x - at.x, point.y - at.y);
    const nearest = points.reduce((a, b) => distance(b) < distance(a) ? b : a);
    if (distance(nearest) > REACH) return;
    shown = nearest;
    shown.circle.classList.add("near");
    const box = document.createElement("div");
    box.id = "value";
    box.textContent = nearest.text;
    document.body.append(box);
    const { width, height } = box.getBoundingClientRect();
    const left = Math.min(event.clientX + 16, innerWidth - width - 8);
    const below = event.clientY + 16;
    const top = below + height > innerHeight ? event.clientY - height - 16 : below;
    box.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
  };
  chart.addEventListener("pointermove", show);
  chart.addEventListener("pointerdown", show);
  chart.addEventListener("pointerleave", hide);
}
