// Keys and buttons of a volume's page.
import { createControls, listen } from "/web/controls.js";

const view = document.getElementById("viewer");
const form = document.getElementById("answer");
const { image, mask, layout } = view.dataset;
const [windows, labels, colours] = ["windows", "labels", "colours"].map((name) => JSON.parse(view.dataset[name]));
const controls = createControls({ windows, labels, colours, scrolls: layout === "scroll" });

const choose = (field, value) => {
  const choice = form.querySelector(`input[name="${field}"][value="${value}"]`);
  if (choice) choice.checked = true;
};
listen({
  ...controls.keys,
  ...Object.fromEntries(Array.from("0123456789", (digit) => [digit, () => (choose("score", digit), choose("confidence", digit))])),
  t: () => choose("score", 10),
  r: () => choose("verdict", "real"),
  f: () => choose("verdict", "generated"),
  p: () => document.getElementById("previous")?.click(),
  n: () => document.getElementById("next")?.click(),
  Enter: () => form.requestSubmit(),
});
load();

async function load() {
  const message = document.getElementById("message");
  try {
    const { createViewer } = await import("/web/viewer.js"); // answers need no viewer, so it may come later or fail
    const viewer = await createViewer(document.getElementById("canvas"), { layout, labels, colours });
    await viewer.load({ image, mask, range: controls.range() });
    controls.attach([viewer]);
    message.textContent = "";
    view.dataset.state = "ready";
  } catch (error) {
    message.textContent = `The volume cannot be shown (${error.message}). The page needs a browser with WebGL 2.`;
    view.dataset.state = "failed";
  }
}
