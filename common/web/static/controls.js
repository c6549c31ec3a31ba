// What somebody does to the volumes of a page: mask, windows, planes, slices, zoom. Several viewers move together.
const PLANES = ["axial", "coronal", "sagittal"];
const element = (id) => document.getElementById(id);

// The elements are those of view.html. windows: {"bone": [low, high], …} in HU; scrolls: whether there are planes
export function createControls({ windows, labels, colours, scrolls }) {
  const presets = Object.entries(windows);
  const state = { plane: 0, window: 0, viewers: [] };
  const all = (act) => state.viewers.forEach(act);

  function setWindow(place) {
    state.window = place;
    [...element("windows").children].forEach((button, other) =>
      button.setAttribute("aria-checked", String(other === place)),
    );
    all((viewer) => viewer.setWindow(...presets[place][1]));
  }

  function showPlace() {
    if (!scrolls || !state.viewers.length) return;
    element("plane").textContent = PLANES[state.plane];
    element("slice").textContent = state.viewers[0].slice(PLANES[state.plane]).join(" of ");
  }

  function follow(moved) {
    const place = moved.place();
    all((viewer) => viewer !== moved && viewer.goTo(place));
    showPlace();
  }

  function scroll(steps) {
    const [first] = state.viewers;
    if (!first) return;
    first.scroll(PLANES[state.plane], steps);
    follow(first);
  }

  function turnPlane(by) {
    state.plane = (state.plane + by + PLANES.length) % PLANES.length;
    showPlace();
  }

  for (const [value, name] of Object.entries(labels).filter(([value]) => value > 0)) {
    const entry = document.createElement("span");
    entry.style.color = colours[(value - 1) % colours.length];
    entry.textContent = `■ ${name} `;
    element("legend").append(entry);
  }
  presets.forEach(([name, range], place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.title = `${range[0]} to ${range[1]} HU`;
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => setWindow(place));
    element("windows").append(button);
  });
  setWindow(0);
  element("mask").addEventListener("change", () => all((viewer) => viewer.setMask(element("mask").checked)));

  return {
    range: () => presets[state.window][1],
    // viewers whose volumes are loaded; the first one tells the place
    attach(viewers) {
      state.viewers = viewers;
      all((viewer) => {
        viewer.setMask(element("mask").checked);
        viewer.setWindow(...presets[state.window][1]);
        if (scrolls) viewer.onMove(() => follow(viewer));
      });
      if (scrolls) viewers[0].goToMask();
      if (scrolls) follow(viewers[0]);
    },
    keys: {
      m: () => element("mask").click(),
      w: () => setWindow((state.window + 1) % presets.length),
      ...(scrolls && {
        "+": () => all((viewer) => viewer.zoom(1.25)),
        "-": () => all((viewer) => viewer.zoom(0.8)),
        ArrowUp: () => scroll(1),
        ArrowDown: () => scroll(-1),
        ArrowLeft: () => turnPlane(-1),
        ArrowRight: () => turnPlane(1),
      }),
    },
  };
}

// keys: name of a key → what it does; while somebody types, letters are letters
export function listen(keys) {
  const onKey = (event) => {
    const typing = event.target.closest(
      event.key === "Enter" ? "textarea, summary, a, button" : "textarea, select, input:not([type=checkbox], [type=radio])",
    );
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
  document.addEventListener("keydown", onKey, true); // before the canvas, which has keys of its own
}
