/** JSON without the leniencies that make two readers of the same text see different things. */

const MOST_CONTAINERS = 1000;

/** The object that `text` is. Throws: SyntaxError, also when a member of any object is there twice. */
export function parseObject(text: string): Record<string, unknown> {
  // Bounds the depth too; strings may hold some, and few are needed.
  if ((text.match(/[[{]/g)?.length ?? 0) > MOST_CONTAINERS) throw new SyntaxError("too many arrays and objects");
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new SyntaxError("not an object");
  // Written by JSON.stringify or alike, it comes out as it went in; only what does not is looked at closer.
  if (JSON.stringify(value) !== text) refuseRepeated(text);
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `text` is JSON already; so a string is a name when a colon follows. */
function refuseRepeated(text: string): void {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(/[{}]|"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const names = open.at(-1);
      if (names?.has(name)) throw new SyntaxError("a member is there twice");
      names?.add(name);
    }
  }
}
