/** JSON schemas, as far as the description of the API uses them, in words and as examples. */

const NAMES = { string: "a string", integer: "an integer", number: "a number", boolean: "true or false", object: "an object", array: "a list", null: "null" };
const EXAMPLES = { user: "ana", to: "ana", text: "a word to them", banFor: 60, kind: "audio", topic: "notice", data: "Hello.", extra: { role: "host" }, capacity: 10 };

/** The fields of an object, as {name, isRequired, schema}. */
export function fieldsOf(schema, description) {
  const { properties = {}, required = [] } = resolve(schema, description);
  return Object.entries(properties).map(([name, of]) => ({ name, isRequired: required.includes(name), schema: of }));
}

/** What a value must be. */
export function wordsOf(schema, description) {
  const of = resolve(schema, description);
  if (of.anyOf) return of.anyOf.map((each) => wordsOf(each, description)).join(" or ");
  if (of.enum) return of.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (of.type === "array") return `a list${limits(of.minItems, of.maxItems, "entries")}: each ${wordsOf(of.items, description)}`;
  if (of.pattern) return "a name";
  if (of.type === "string") return `a string${limits(of.minLength, of.maxLength, "characters")}`;
  if (of.type === "number" || of.type === "integer") return `${NAMES[of.type]}${range(of)}`;
  return NAMES[of.type] ?? "any JSON value";
}

/** A body to begin with: what is required, and what can be shown of the rest. */
export function exampleOf(schema, description) {
  const fields = fieldsOf(schema, description);
  const wanted = fields.filter(({ isRequired, name }) => isRequired || (fields.length < 4 && name !== "to"));
  return Object.fromEntries(wanted.map(({ name }) => [name, EXAMPLES[name] ?? null]));
}

function resolve(schema, description) {
  if (!schema.$ref) return schema;
  return description.components.schemas[schema.$ref.split("/").at(-1)];
}

function limits(least, most, what) {
  if (least !== undefined && most !== undefined) return ` of ${least} to ${most} ${what}`;
  if (most !== undefined) return ` of at most ${most} ${what}`;
  return least === undefined ? "" : ` of at least ${least} ${what}`;
}

function range({ minimum, exclusiveMinimum, maximum }) {
  const words = [];
  if (minimum !== undefined) words.push(`from ${minimum}`);
  if (exclusiveMinimum !== undefined) words.push(`above ${exclusiveMinimum}`);
  if (maximum !== undefined) words.push(`up to ${maximum}`);
  return words.length ? ` ${words.join(" ")}` : "";
}
