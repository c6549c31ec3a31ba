// The list of cases, the volumes of the one that is chosen, and what is beside it.
import { createControls, listen } from "/web/controls.js";

const element = (id) => document.getElementById(id);
const view = element("viewer");
const { windows, labels, colours } = JSON.parse(view.dataset.settings);
const controls = createControls({ windows, labels, colours, scrolls: true });
const state = { cases: [], shown: [], current: -1, beside: "", largestFirst: false, viewers: [], loads: 0 };

listen({
  ...controls.keys,
  n: () => step(1),
  p: () => step(-1),
  x: () => element("flag").click(),
  b: () => nextBeside(),
});
for (const id of ["side", "sort"]) element(id).addEventListener("change", list);
element("find").addEventListener("input", list);
element("turn").addEventListener("click", () => {
  state.largestFirst = !state.largestFirst;
  element("turn").setAttribute("aria-pressed", String(state.largestFirst));
  element("turn").textContent = state.largestFirst ? "↓" : "↑";
  list();
});
element("next").addEventListener("click", () => step(1));
element("previous").addEventListener("click", () => step(-1));
element("flag").addEventListener("click", flag);
element("beside").addEventListener("change", () => {
  state.beside = element("beside").value;
  load();
});
begin();

async function begin() {
  const reply = await fetch("/cases.json");
  state.cases = await reply.json();
  const names = new Set(state.cases.flatMap((one) => Object.keys(one.scores)));
  for (const name of names) element("sort").append(new Option(`by ${name}`, name));
  list();
  const asked = decodeURIComponent(location.hash.slice(1));
  const place = state.cases.findIndex((one) => one.id === asked);
  choose(place < 0 ? state.shown[0] : place);
}

// The list: those that are asked for, in the order that is asked for; cases without the score stand last.
function list() {
  const [side, name, text] = ["side", "sort", "find"].map((id) => element(id).value);
  const wanted = {
    all: () => true,
    flagged: (one) => one.flagged,
    copies: (one) => one.neighbours.some((each) => each.copy),
  }[side] ?? ((one) => one.side === side);
  const found = (one) => `${one.id} ${one.centre}`.toLowerCase().includes(text.trim().toLowerCase());
  state.shown = state.cases.map((_, place) => place).filter((place) => wanted(state.cases[place]) && found(state.cases[place]));
  const turn = state.largestFirst ? -1 : 1;
  if (!name && state.largestFirst) state.shown.reverse();
  const value = (place) => state.cases[place].scores[name];
  if (name) state.shown.sort((a, b) => (value(a) === undefined) - (value(b) === undefined) || turn * (value(a) - value(b)) || a - b);
  element("list").replaceChildren(...state.shown.map((place) => entry(place, name)));
  count();
}

function entry(place, name) {
  const one = state.cases[place];
  const button = document.createElement("button");
  button.type = "button";
  button.title = `${one.side}${one.centre ? `, ${one.centre}` : ""}`;
  button.setAttribute("aria-current", String(place === state.current));
  button.dataset.place = place;
  button.append(part("dot", "●", one.side), part("id", one.id), part("flag", one.flagged ? "⚑" : ""));
  button.append(part("value", name && name in one.scores ? number(one.scores[name]) : ""));
  button.addEventListener("click", () => choose(place));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function part(name, text, ...more) {
  const span = document.createElement("span");
  span.className = [name, ...more].join(" ");
  span.textContent = text;
  return span;
}

function number(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}

function count() {
  const flagged = state.cases.filter((one) => one.flagged).length;
  element("counts").textContent = `${state.shown.length} of ${state.cases.length} cases, ${flagged} flagged`;
}

function step(by) {
  const here = state.shown.indexOf(state.current);
  const next = state.shown[here < 0 ? 0 : here + by];
  if (next !== undefined) choose(next);
}

function choose(place) {
  if (place === undefined || place < 0) {
    element("message").textContent = "There is no case.";
    return;
  }
  state.current = place;
  const one = state.cases[place];
  history.replaceState(null, "", `#${encodeURIComponent(one.id)}`);
  for (const button of element("list").querySelectorAll("button")) {
    button.setAttribute("aria-current", String(Number(button.dataset.place) === place));
    if (Number(button.dataset.place) === place) button.scrollIntoView({ block: "nearest" });
  }
  const spaces = one.neighbours.filter((each) => each.number !== null);
  const options = spaces.map((each) => new Option(`nearest training case, ${each.space}`, each.space));
  element("beside").replaceChildren(new Option(spaces.length || one.side === "real" ? "nothing" : "nothing: no evaluation of it", ""), ...options);
  element("beside").value = spaces.some((each) => each.space === state.beside) ? state.beside : "";
  element("beside").disabled = !spaces.length;
  showFacts(one);
  showFlag(one);
  load();
}

function nextBeside() {
  const select = element("beside");
  if (select.disabled) return;
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event("change"));
}

function showFacts(one) {
  const rows = [["centre", one.centre], ["fold", one.fold ?? ""], ...Object.entries(one.scores).map(([name, value]) => [name, number(value)])];
  element("facts").replaceChildren(
    ...rows.filter(([, value]) => value !== "").map(([name, value]) => {
      const row = document.createElement("tr");
      for (const [tag, text] of [["th", name], ["td", value]]) {
        const cell = document.createElement(tag);
        cell.textContent = text;
        row.append(cell);
      }
      return row;
    }),
  );
}

function showFlag(one) {
  const button = element("flag");
  button.disabled = !one.flaggable;
  button.setAttribute("aria-pressed", String(one.flagged));
  button.textContent = one.flagged ? "⚑ Flagged: take it back" : "⚑ Flag this pair";
  button.title = one.flaggable ? "`run dataset --flagged FILE` leaves it out" : "only pairs with a known checkpoint and seed";
}

async function flag() {
  const place = state.current;
  const one = state.cases[place];
  if (!one?.flaggable) return;
  const body = new URLSearchParams({ number: place, flagged: !one.flagged });
  const reply = await fetch("/flags", { method: "POST", body });
  if (!reply.ok) {
    element("message").textContent = await reply.text();
    return;
  }
  one.flagged = (await reply.json()).flagged;
  if (place === state.current) showFlag(one);
  list();
}

// Volumes of the chosen case, and of what is beside it; the last one that was asked for wins.
async function load() {
  const turn = (state.loads += 1);
  const late = () => turn !== state.loads;
  const one = state.cases[state.current];
  const near = one.neighbours.find((each) => each.space === element("beside").value);
  const places = near ? [state.current, near.number] : [state.current];
  view.dataset.state = "loading";
  element("message").textContent = "loading …";
  caption(0, one.id, one.side, false);
  const figures = view.querySelectorAll("figure");
  figures[1].hidden = !near;
  if (near) {
    const below = near.threshold === null ? "" : ` (a copy: below ${number(near.threshold)})`;
    caption(1, near.case_id, `distance ${number(near.distance)} in ${near.space}${below}`, near.copy);
  }
  try {
    const { createViewer } = await import("/web/viewer.js");
    for (const [pane, place] of places.entries()) {
      const image = `/volumes/${place}/image.nii`;
      const reply = await fetch(image); // the viewer does not tell why there is no file
      if (!reply.ok) throw new Error(await reply.text());
      state.viewers[pane] ??= await createViewer(element(`canvas-${pane}`), { layout: "scroll", labels, colours });
      if (late()) return;
      const mask = state.cases[place].mask ? `/volumes/${place}/label.nii` : null;
      await state.viewers[pane].load({ image, mask, range: controls.range() });
      if (late()) return;
    }
    controls.attach(state.viewers.slice(0, places.length));
    element("message").textContent = "";
    view.dataset.state = "ready";
  } catch (error) {
    if (late()) return;
    element("message").textContent = error.message;
    view.dataset.state = "failed";
  }
}

function caption(pane, name, note, near) {
  element(`name-${pane}`).textContent = name;
  element(`note-${pane}`).textContent = note;
  element(`note-${pane}`).className = near ? "near" : "";
}
