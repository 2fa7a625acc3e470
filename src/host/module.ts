/** Modules that are named when the program runs. */
import { pathToFileURL } from "node:url";

/** Loads a module by its absolute path; rejects with the runtime's error, or with what the module throws. */
export async function loadModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  return await import(pathToFileURL(path).href);
}
