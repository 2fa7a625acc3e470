/**
 * The tables of scripts/mutants/, and where in the sources each of their mutants belongs.
 *
 * Used by `npm run mutate`, and by a test, so that a table that is behind the code is noticed at once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Mutants are { file, find, put, tests, why }, perhaps with the only `runtime` that can notice it; here with their table. */
export async function allMutants() {
  const names = readdirSync(join(root, "scripts/mutants")).filter((name) => name.endsWith(".mjs")).sort();
  const all = [];
  for (const name of names) {
    const { mutants } = await import(`./mutants/${name}`);
    all.push(...mutants.map((mutant) => ({ ...mutant, table: name.slice(0, -4) })));
  }
  return all;
}

/** Its source as it is and as the mutant has it, or what is wrong; `read` gives the text of a file of the project. */
export function placeOf({ file, find, put }, read = textOf) {
  const source = read(file);
  if (source === undefined) return { wrong: `there is no ${file}` };
  const count = source.split(find).length - 1;
  if (count !== 1) return { wrong: `its text is found ${count} times in ${file}` };
  if (find === put) return { wrong: "it changes nothing" };
  // A function, since a string would have its dollar signs read.
  return { source, changed: source.replace(find, () => put) };
}

function textOf(file) {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
