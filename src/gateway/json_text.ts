/**
 * JSON as text: what a parser would round, overwrite or reorder stays as it was written.
 *
 * Used where payloads and metadata become lines and back. Every text here has passed `JSON.parse` before, so its grammar is
 * right and only its parts are looked for.
 */

/** The same JSON without white space between its parts, so on one line; undefined when the text is no JSON. */
export function compactJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return compact(text);
}

/** The members of an object's text: each key, and the text of its value without white space. One key may come twice. */
export function membersOf(text: string): readonly (readonly [key: string, value: string])[] {
  const plain = compact(text);
  const members: [string, string][] = [];
  for (let at = 1; plain[at] === '"';) {
    const colon = endOfString(plain, at) + 1;
    const end = endOfValue(plain, colon + 1);
    members.push([JSON.parse(plain.slice(at, colon)) as string, plain.slice(colon + 1, end)]);
    at = end + 1;
  }
  return members;
}

function compact(text: string): string {
  let plain = "";
  for (let at = 0;;) {
    const quote = text.indexOf('"', at);
    plain += text.slice(at, quote < 0 ? undefined : quote).replaceAll(/[\t\n\r ]+/g, "");
    if (quote < 0) return plain;
    at = endOfString(text, quote) + 1;
    plain += text.slice(quote, at);
  }
}

/** Where the string that begins at `start` has its closing quote: the first with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1;;) {
    const quote = text.indexOf('"', from);
    let before = quote;
    while (text[before - 1] === "\\") before--;
    if ((quote - before) % 2 === 0) return quote;
    from = quote + 1;
  }
}

/** Where the value that begins at `start` is over: at the comma or bracket behind it. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start;; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === "{" || character === "[") depth++;
    else if (depth === 0 && (character === "," || character === "}")) return at;
    else if (character === "}" || character === "]") depth--;
  }
}

/** The same value as JSON can write it: `Infinity`, for which it has no number, is the text that is read as such. */
export function writable(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value, (_, found: unknown) => found === Infinity ? "Infinity" : found));
}
