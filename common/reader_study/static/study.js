// Keys and buttons of a volume's page.
const PLANES = ["axial", "coronal", "sagittal"];
const view = document.getElementById("viewer");
const form = document.getElementById("answer");
const maskBox = document.getElementById("mask");
const windows = Object.entries(JSON.parse(view.dataset.windows));
const state = { plane: 0, window: 0, viewer: null };

document.addEventListener("keydown", onKey, true); // before the canvas, which has keys of its own
buildLegend();
buildWindows();
maskBox.addEventListener("change", () => state.viewer?.setMask(maskBox.checked));
load();

async function load() {
  const message = document.getElementById("message");
  try {
    const { createViewer } = await import("./viewer.js"); // answers need no viewer, so it may come later or fail
    const { image, mask, layout, labels, colours } = view.dataset;
    state.viewer = await createViewer(document.getElementById("canvas"), {
      image,
      mask,
      layout,
      labels: JSON.parse(labels),
      colours: JSON.parse(colours),
      range: windows[0][1],
    });
    state.viewer.setMask(maskBox.checked);
    state.viewer.setWindow(...windows[state.window][1]);
    if (layout === "scroll") state.viewer.goToMask();
    state.viewer.onMove(showPlace);
    showPlace();
    message.textContent = "";
    view.dataset.state = "ready";
  } catch (error) {
    message.textContent = `The volume cannot be shown (${error.message}). The page needs a browser with WebGL 2.`;
    view.dataset.state = "failed";
  }
}

function buildLegend() {
  const colours = JSON.parse(view.dataset.colours);
  for (const [value, name] of Object.entries(JSON.parse(view.dataset.labels)).filter(([value]) => value > 0)) {
    const entry = document.createElement("span");
    entry.style.color = colours[(value - 1) % colours.length];
    entry.textContent = `■ ${name} `;
    document.getElementById("legend").append(entry);
  }
}

function buildWindows() {
  windows.forEach(([name, range], place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.title = `${range[0]} to ${range[1]} HU`;
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => setWindow(place));
    document.getElementById("windows").append(button);
  });
  setWindow(0);
}

function setWindow(place) {
  state.window = place;
  [...document.getElementById("windows").children].forEach((button, other) =>
    button.setAttribute("aria-checked", String(other === place)),
  );
  state.viewer?.setWindow(...windows[place][1]);
}

function showPlace() {
  if (view.dataset.layout !== "scroll") return;
  document.getElementById("plane").textContent = PLANES[state.plane];
  document.getElementById("slice").textContent = state.viewer.slice(PLANES[state.plane]).join(" of ");
}

function turnPlane(by) {
  state.plane = (state.plane + by + PLANES.length) % PLANES.length;
  showPlace();
}

function scroll(steps) {
  state.viewer?.scroll(PLANES[state.plane], steps);
  showPlace();
}

function choose(field, value) {
  const choice = form.querySelector(`input[name="${field}"][value="${value}"]`);
  if (choice) choice.checked = true;
}

const scrolls = view.dataset.layout === "scroll";
const KEYS = {
  ...Object.fromEntries(Array.from("0123456789", (digit) => [digit, () => (choose("score", digit), choose("confidence", digit))])),
  t: () => choose("score", 10),
  r: () => choose("verdict", "real"),
  f: () => choose("verdict", "generated"),
  m: () => maskBox.click(),
  w: () => setWindow((state.window + 1) % windows.length),
  p: () => document.getElementById("previous")?.click(),
  n: () => document.getElementById("next")?.click(),
  Enter: () => form.requestSubmit(),
  ...(scrolls && {
    "+": () => state.viewer?.zoom(1.25),
    "-": () => state.viewer?.zoom(0.8),
    ArrowUp: () => scroll(1),
    ArrowDown: () => scroll(-1),
    ArrowLeft: () => turnPlane(-1),
    ArrowRight: () => turnPlane(1),
  }),
};

function onKey(event) {
  const typing = event.target.closest(event.key === "Enter" ? "textarea, summary, a, button" : "textarea");
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}
