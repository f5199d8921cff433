/** The figures above the rooms: how many there are, and what the server's metrics tell. */

/** Show figures, as [name, value] each. */
export function showFigures(list, figures) {
  while (list.children.length > figures.length) list.lastElementChild.remove();
  figures.forEach(([name, value], index) => {
    const box = list.children[index] ?? list.appendChild(newBox());
    setText(box.querySelector("dt"), name);
    setText(box.querySelector("dd"), value);
  });
}

/** The figures of rooms, as [name, value] each. */
export function countRooms(rooms) {
  const users = rooms.flatMap((room) => room.users);
  const away = users.filter((user) => user.unreachable).length;
  return [["Rooms", number(rooms.length)], ["Users here", number(users.length - away)], ["Unreachable", number(away)]];
}

/** The figures that are told by the server's metrics, as [name, value] each: those that are there. */
export function readFigures(text) {
  const samples = parse(text);
  const figures = [];
  for (const [name, metric] of [["Joins", "exeunt_joins_total"], ["Leaves", "exeunt_leaves_total"], ["Limits met", "exeunt_limits_total"]]) {
    const found = samples.filter((sample) => sample.metric === metric);
    if (found.length) figures.push([name, number(found.reduce((sum, { value }) => sum + value, 0))]);
  }
  const median = quantile(samples, "exeunt_notice_seconds", 0.5);
  if (median !== null) figures.push(["Notice, median", milliseconds(median)]);
  const tail = quantile(samples, "exeunt_notice_seconds", 0.99);
  if (tail !== null) figures.push(["Notice, 99 %", milliseconds(tail)]);
  return figures;
}

/** The samples in what Prometheus reads, as {metric, labels, value}. */
export function parse(text) {
  return [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(([, metric, labels, value]) => ({
    metric, labels: labels ?? "", value: value === "+Inf" ? Infinity : Number(value),
  }));
}

/** At most how much a part of all measurements was, by a histogram; null if nothing was measured. */
function quantile(samples, metric, part) {
  const buckets = samples
    .filter((sample) => sample.metric === `${metric}_bucket`)
    .map(({ labels, value }) => [/le="([^"]*)"/.exec(labels)[1], value])
    .map(([limit, value]) => [limit === "+Inf" ? Infinity : Number(limit), value])
    .sort(([one], [other]) => one - other);
  const all = buckets.at(-1)?.[1] ?? 0;
  if (!all) return null;
  return buckets.find(([, value]) => value >= part * all)[0];
}

function milliseconds(seconds) {
  return seconds === Infinity ? "very long" : `≤ ${number(seconds * 1000)} ms`;
}

function number(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 2 });
}

function newBox() {
  const box = document.createElement("div");
  box.append(document.createElement("dt"), document.createElement("dd"));
  return box;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
