/** The admin API, as its own description tells it: shown, and to be tried out. */

import { Refused, address, call, fill, keepKey, keptKey } from "./admin-api.js";
import { exampleOf, fieldsOf, wordsOf } from "./docs-schema.js";

const MOST = 100_000; // characters of a stream that are shown; the oldest go

async function show() {
  const description = await call("GET", "api/openapi.json");
  const title = document.getElementById("version");
  title.textContent = description.info.version;
  showText(document.getElementById("introduction"), description.info.description);
  const list = document.getElementById("operations");
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) list.append(element(path, method, operation, description));
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute("open", "");
}

function element(path, method, operation, description) {
  const box = document.getElementById("operation-template").content.firstElementChild.cloneNode(true);
  box.id = operation.operationId;
  box.dataset.method = method;
  box.querySelector(".method").textContent = method.toUpperCase();
  box.querySelector(".path").textContent = path;
  box.querySelector(".summary").textContent = operation.summary;
  showText(box.querySelector(".description"), operation.description);
  showAnswers(box.querySelector(".answers"), operation.responses);
  const schema = operation.requestBody?.content["application/json"].schema;
  showFields(box, schema, description);
  const form = box.querySelector("form");
  for (const parameter of operation.parameters ?? []) form.querySelector(".parameters").append(input(operation, parameter));
  if (schema) form.querySelector(".body").append(...editor(operation, exampleOf(schema, description)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, method.toUpperCase(), path);
  });
  return box;
}

function showFields(box, schema, description) {
  const fields = schema ? fieldsOf(schema, description) : [];
  box.querySelector(".body-title").hidden = box.querySelector(".fields").hidden = fields.length === 0;
  for (const { name, isRequired, schema: of } of fields) {
    const row = box.querySelector(".fields tbody").insertRow();
    const [first, second, third] = [document.createElement("th"), document.createElement("td"), document.createElement("td")];
    first.scope = "row";
    const code = document.createElement("code");
    code.textContent = name;
    code.classList.toggle("required", isRequired);
    first.append(code);
    second.textContent = wordsOf(of, description);
    third.textContent = of.description ?? "";
    row.append(first, second, third);
  }
}

function showAnswers(list, responses) {
  for (const [status, response] of Object.entries(responses)) {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = status;
    text.textContent = response.description;
    list.append(term, text);
  }
}

function input(operation, { name, description }) {
  const [label, field] = [document.createElement("label"), document.createElement("input")];
  label.htmlFor = field.id = `${operation.operationId}-${name}`;
  label.textContent = description.replace(/\.$/, "");
  Object.assign(field, { name, required: true, autocomplete: "off", spellcheck: false, maxLength: 64 });
  const box = document.createElement("div");
  box.append(label, field);
  return box;
}

function editor(operation, example) {
  const [label, field] = [document.createElement("label"), document.createElement("textarea")];
  label.htmlFor = field.id = `${operation.operationId}-body`;
  label.textContent = "Body, as JSON";
  const value = JSON.stringify(example, null, 2);
  Object.assign(field, { name: "body", value, rows: Math.min(value.split("\n").length + 1, 14), spellcheck: false });
  return [label, field];
}

async function send(form, method, path) {
  keepKey(document.getElementById("token").value.trim());
  const parts = Object.fromEntries(new FormData(form));
  const end = new AbortController();
  const stop = form.querySelector(".stop");
  stop.onclick = () => end.abort();
  const began = performance.now();
  const headers = { ...(keptKey() && { Authorization: `Bearer ${keptKey()}` }), ...("body" in parts && { "Content-Type": "application/json" }) };
  try {
    const response = await fetch(address(fill(path, parts)), { method, headers, body: parts.body, signal: end.signal, cache: "no-store", credentials: "omit" });
    const took = Math.round(performance.now() - began);
    say(form, `${response.status} ${response.statusText}, after ${took} ms`, response.ok ? "good" : "bad");
    stop.hidden = false;
    await showResult(form, response);
  } catch (error) {
    if (error.name !== "AbortError") say(form, "The server does not answer.", "bad");
  } finally {
    stop.hidden = true;
  }
}

/** Show what is answered, as it comes. */
async function showResult(form, response) {
  const result = form.querySelector(".result");
  result.hidden = false;
  result.textContent = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    result.textContent = (result.textContent + part.value).slice(-MOST);
  }
  result.textContent = pretty(result.textContent);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // no JSON: as it is
  }
}

function say(form, text, tone) {
  const status = form.querySelector(".status");
  status.textContent = text;
  status.dataset.tone = tone;
}

/** Show paragraphs, in which what is in backquotes is code. */
function showText(box, text) {
  for (const paragraph of text.split("\n\n")) {
    const element = document.createElement("p");
    paragraph.split("`").forEach((part, index) => {
      const piece = document.createElement(index % 2 ? "code" : "span");
      piece.textContent = part;
      element.append(piece);
    });
    box.append(element);
  }
}

document.getElementById("token").value = keptKey();
document.getElementById("bearer").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("token").addEventListener("change", (event) => keepKey(event.target.value.trim()));
show().catch((error) => {
  document.getElementById("problem").textContent = error instanceof Refused ? error.message : `The description could not be shown: ${error.message}`;
});
